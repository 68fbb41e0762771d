"""Steps of the unlabelled losses of FixMatch's relatives on logits that are given: no network, no stream."""

import toy
from libml.methods.similarity_model import SimilarityModel

import numpy as np
import tensorflow as tf
from easydict import EasyDict

# Common inputs of the check values: weak and strong logits of a batch, and the weak ones of a second.
W = np.float32([[4, 0, 0], [0, 2, 0], [1, 1, 3], [.5, 0, 0]])
S = np.float32([[2, 0, 1], [0, 1, .5], [1, 2, 0], [.2, .1, 0]])
W2 = np.float32([[0, 5, 0], [3, 0, 0], [0, 0, 4], [.6, .5, 0]])
X, LABEL = np.float32([[1, 0, 0], [0, 2, 0]]), np.int32([0, 2])
CLOSE = dict(rtol=1e-5, atol=1e-5)
# Of what is printed with six digits.
PRINTED = dict(rtol=0, atol=1e-5)


def softmax(z, axis=-1):
    p = np.exp(np.float64(z) - np.max(z, axis, keepdims=True))
    return p / p.sum(axis, keepdims=True)


def cross_entropy(p, z):
    """[n] of targets [n, C] or classes [n], and logits [n, C]."""
    p = np.eye(z.shape[-1])[p] if np.ndim(p) == 1 else p
    return -(p * np.log(softmax(z))).sum(-1)


class Steps:
    """A method whose steps start from logits; a context manager, within which it has a session.

    Args:
        method: a model class that derives from FixMatch.
        folder: of runs.
        n, rows, labeled, nclass: images in the unlabelled set, in an unlabelled and a labelled batch; classes.
        nlabeled: images in the labelled set, as many as in a batch unless given.
        params: hyper-parameters.

    Attributes:
        model: the model.
    """

    def __init__(self, method, folder, n=8, rows=4, labeled=2, nclass=3, nlabeled=0, **params):
        dataset = toy.dataset(nlabeled or labeled, n, size=8, nclass=nclass)
        self.model = type(method.__name__, (method,), dict(algorithm=_algorithm, unlabeled_loss=_recorded))(
            str(folder), dataset, batch=labeled, uratio=rows // labeled, **params)

    def __enter__(self):
        self.context = self.model.session()
        self.session = self.context.__enter__()
        return self

    def __exit__(self, *exception):
        return self.context.__exit__(*exception)

    def set(self, **values):
        """Assigns variables, such as global_step."""
        toy.set_variables(self.model, self.session, values)

    def state(self):
        """EasyDict of the variables."""
        return EasyDict({v.op.name: value for v, value in zip(self.model.variables,
                                                              self.session.run(self.model.variables))})

    def __call__(self, weak, strong, **feed):
        """One step; of a SimilarityModel, the features f0 (labelled), f1 (weak), f2 and f3 (strong) are fed, too.

        Returns EasyDict: loss and mask [n], `mean` (of the loss), gradients of what is minimised with respect to weak,
        strong, logits_x and features (None where there are none), losses and monitors by their last names.
        """
        ops = self.model.ops
        feed = {ops[name]: value for name, value in dict(feed, weak=weak, strong=strong).items()}
        fetches = {name: ops[name] for name in ('loss', 'mask', 'scalars')}
        gradients = {name: g for name, g in ops.gradients.items() if g is not None}
        found, gradients, _ = self.session.run([fetches, gradients, ops.update], feed)
        gradients = {name: gradients.get(name) for name in ops.gradients}
        return EasyDict(found['scalars'], loss=found['loss'], mask=found['mask'], mean=found['loss'].mean(),
                        gradients=gradients)


def _recorded(model, logits_weak, logits_strong):
    model.recorded = super(type(model), model).unlabeled_loss(logits_weak, logits_strong)
    return model.recorded


def _algorithm(model):
    """In place of PairModel's: the batch is fed, what is tracked is updated as in train_op."""
    p, inputs = model.params, EasyDict()
    n = p.batch * p.uratio
    for name, dtype, shape in (('index', tf.int32, [n]), ('label', tf.int32, [p.batch]), ('weak', tf.float32, None),
                               ('logits_x', tf.float32, [p.batch, p.nclass]), ('strong', tf.float32, None)):
        inputs[name] = tf.compat.v1.placeholder(dtype, shape or [n, p.nclass], name)
    features = _features(model)
    inputs.update(features, projections=list(features.values()))
    inputs.indices = [inputs.setdefault('label_index', tf.compat.v1.placeholder(tf.int32, [p.batch], 'label_index'))]
    model.batch = inputs
    terms, monitors = model.unlabeled_losses(inputs.weak, inputs.strong)
    scalars = {tag.rpartition('/')[2]: value for tag, value in
               [*((name, value) for name, (_, value) in terms.items()), *monitors.items()]}
    loss, mask = model.recorded
    floats = dict(weak=inputs.weak, strong=inputs.strong, logits_x=inputs.logits_x, **features)
    gradients = tf.gradients(sum(weight * value for weight, value in terms.values()), list(floats.values()))
    # `unlabeled_losses` is the only caller, so that there is one set of trackers.
    before = [value for tracker in model.trackers for value in tracker.new_values()]
    with tf.control_dependencies([*before, *scalars.values(), loss, mask, *(g for g in gradients if g is not None)]):
        update = tf.group([op for tracker in model.trackers for op in tracker.updates()])
    return EasyDict(inputs, loss=loss, mask=mask, scalars=scalars, update=update,
                    gradients=dict(zip(floats, gradients)))


def _features(model):
    """dict f0, f1 ...: placeholders of features of labelled images and of each unlabelled view, {} if it has none."""
    if not isinstance(model, SimilarityModel):
        return {}
    p, views = model.params, model.views()
    rows = [p.batch] + (len(views.unlabeled) - 1 + views.count) * [p.batch * p.uratio]
    return {f'f{i}': tf.compat.v1.placeholder(tf.float32, [n, p.proj_dim]) for i, n in enumerate(rows)}


def random_features(random, *shape):
    """Features of length 1."""
    features = random.normal(size=shape)
    return (features / np.linalg.norm(features, axis=-1, keepdims=True)).astype('f')


def random_batch(random, n=8, nclass=5):
    """Weak and strong logits [n, C]; the weak ones are sure of about half of the images."""
    return random.normal(0, 3, [n, nclass]).astype('f'), random.normal(0, 1, [n, nclass]).astype('f')


def check_gradients(found, logits_strong, targets, weights):
    """The gradient of mean(weights * cross entropy) goes into the strong logits [n, C] and nowhere else."""
    assert found.gradients['weak'] is None and found.gradients['logits_x'] is None
    targets = np.eye(logits_strong.shape[1])[targets] if np.ndim(targets) == 1 else targets
    expected = weights[:, None] * (softmax(logits_strong) - targets) / len(weights)
    assert 0 < (expected != 0).any(1).sum()
    np.testing.assert_allclose(found.gradients['strong'], expected, **CLOSE)

"""CoMatch: Semi-supervised Learning with Contrastive Graph Regularization (arXiv:2011.11183).

FixMatch whose pseudo-label is averaged with those of a memory, by how alike its features are to the feature f of the
weak view, and whose two strong views are to be as alike as pseudo-labels are. With aligned predictions p, features m_k
and labels p_k of the memory, and images i and j of the batch:

    a_k = softmax over k of f_weak . m_k / T,  t = alpha p + (1 - alpha) sum a_k p_k
    G_ij ~ t_i . t_j where that is at least contrast_confidence, else 0; 1 for i = j
    S_ij = softmax over j of f_strong0_i . f_strong1_j / T
    L = Lx + wu mean 1[max t >= confidence] H(t, strong0) - contrast_loss_ratio mean sum_j G_ij log S_ij

python comatch.py --dataset=cifar10.3@40-1
"""

import dataclasses

from libml import train
from libml.hparams import Hparam
from libml.methods import similarity
from libml.methods.similarity_model import SimilarityModel
from libml.trackers import Queue

import tensorflow as tf


class CoMatch(SimilarityModel):
    """Pseudo-labels follow features, and features follow the graph of the pseudo-labels."""

    HPARAMS = dict(
        SimilarityModel.HPARAMS,
        contrast_confidence=Hparam(0.8, 'Smallest product of pseudo-labels of two images that are to be alike.', low=0,
                                   high=1),
        contrast_loss_ratio=Hparam(1., 'Weight of the loss on pairs of strong views; USB has 5 for STL-10.', low=0),
        proj_dim=Hparam(64, 'Length of the features.', low=1),
        queue_batches=Hparam(5, 'Batches, labelled images included, in the memory.', low=1),
        temperature=Hparam(0.2, 'Similarities are divided by this.', above=0),
    )

    def views(self):
        """FixMatch's, and a second strong one. The authors' is SimCLR's; here, as in USB, both are of one kind."""
        return dataclasses.replace(super().views(), count=2)

    def smoothed(self, p):
        params, (labeled, weak, *strong) = self.params, self.batch.projections
        size = params.queue_batches * (labeled.shape[0] + weak.shape[0])
        features, labels = [self.track(Queue(name, tf.zeros([size, length])))
                            for name, length in (('queue', params.proj_dim), ('queue_p', params.nclass))]
        alike = similarity.compare(weak, features.variable.read_value(), params.temperature)
        similar = tf.matmul(tf.nn.softmax(alike), labels.variable.read_value())
        # As its authors' code: from when the memory is full. USB waits for 1,024 steps.
        targets = self.blended(p, similar, self.batch_number() >= params.queue_batches)
        features.observe(tf.concat([weak, labeled], 0))
        labels.observe(tf.concat([p, tf.one_hot(self.batch.label, params.nclass)], 0))
        graph = tf.stop_gradient(similarity.graph(targets, params.contrast_confidence))
        loss = similarity.graph_loss(graph, similarity.compare(*strong, params.temperature))
        return targets, {'contrast': (params.contrast_loss_ratio, tf.reduce_mean(loss))}


if __name__ == '__main__':
    train.run(CoMatch, dataset='cifar10.3@40-1')

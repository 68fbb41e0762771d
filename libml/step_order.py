"""The order of the updates of one step: two runs are equal to the bit because each waits for the one before.

Gradients, optimizer, weight decay, batch norm and trackers, moving averages, step counter.
"""

import tensorflow as tf


def train_op(model, loss, optimizer, statistics, decay=0., before=()):
    """The op of one step of a models.MultiModel; with --accumulate also `part_op`, of all micro-batches but the last.

    Args:
        loss: scalar to minimise.
        optimizer: a tf.compat.v1.train.Optimizer.
        statistics: name of the classifier pass that the running batch-norm statistics follow.
        decay: every kernel is multiplied by 1 - decay after the optimizer's step (decoupled weight decay).
        before: tensors to compute before anything is updated, besides the new values of the trackers.
    """
    variables = tf.compat.v1.trainable_variables()
    before = [*before, *(value for tracker in model.trackers for value in tracker.new_values())]
    # As one tuple: no variable changes before all that this step reads has been read.
    gradients = tf.tuple(tf.gradients(loss, variables), control_inputs=before)
    sums = []
    if model.params.accumulate > 1:
        sums = [_sum_of(variable) for variable in variables]
        with tf.control_dependencies(gradients):
            added = [total.assign_add(gradient, read_value=False) for total, gradient in zip(sums, gradients)]
        with tf.control_dependencies(_moved(model, added, statistics)):
            model.part_op = model.step.assign_add(model.rows, read_value=False)
        gradients = [(total.read_value() + gradient) / model.params.accumulate
                     for total, gradient in zip(sums, gradients)]
    gradients = model.replicas.mean(gradients)
    last = [optimizer.apply_gradients(zip(gradients, variables))]
    if decay:
        with tf.control_dependencies(last):
            last = [v.assign(v.read_value() * (1 - decay), read_value=False) for v in model.kernels()]
    with tf.control_dependencies(last):
        last = last + [total.assign(tf.zeros_like(total), read_value=False) for total in sums]
    return end_of_step(model, _moved(model, last, statistics), statistics)


def _sum_of(variable):
    """Where the gradients of the micro-batches of one step are summed up. No checkpoint falls between them: it is in
    none."""
    return tf.compat.v1.get_variable(f'{variable.op.name}/gradient', variable.shape, initializer=tf.zeros_initializer(),
                                     trainable=False, use_resource=True,
                                     collections=[tf.compat.v1.GraphKeys.LOCAL_VARIABLES])


def _moved(model, last, statistics):
    """The ops `last`, and after them those that move running batch-norm statistics and trackers."""
    with tf.control_dependencies(last):
        # `last` stays: a network without batch norm has no updates, and the optimizer must still come first.
        return [*last, *model.batch_norms[statistics].updates(),
                *(op for tracker in model.trackers for op in tracker.updates())]


def end_of_step(model, last, statistics):
    """Op that, after the ops `last`, moves the averages and then the step counter.

    Args:
        last: list of ops.
        statistics: name of a classifier pass, for the running batch-norm statistics that there are.
    """
    with tf.control_dependencies(last):
        moving = [v for v, _ in model.batch_norms[statistics].batch_stats] if model.BN_AVERAGED else []
        last = last + model.ema.update(tf.compat.v1.trainable_variables() + moving)
    with tf.control_dependencies(last):
        return model.step.assign_add(model.rows, read_value=False)

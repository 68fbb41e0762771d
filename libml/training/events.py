"""Event files for TensorBoard, written at once: a full disk is an error here and not a message from another thread."""

import os
import platform
import time

import tensorflow as tf

try:
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams import summary as hparams_summary
except ImportError:  # It is in the extra `all`: without it nothing could show hyper-parameters, and none are written.
    hparams_summary = None

from libml import durable
from libml.utils import InputError, one_line

Event, SessionLog, Summary = tf.compat.v1.Event, tf.compat.v1.SessionLog, tf.compat.v1.Summary


def read(path):
    """Yields the Events of an event file, in order.

    Raises:
        tf.errors.DataLossError: the file ends in the middle of a record.
    """
    for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
        yield Event.FromString(record)


class EventFile:
    """A new event file (a TFRecord file of Event messages) in `folder`, for a process that starts at `step`.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, folder, step, graph=None):
        self.path = os.path.join(folder, f'events.out.tfevents.{time.time():017.6f}.{platform.node()}')
        try:
            self.writer = tf.io.TFRecordWriter(self.path)
        except tf.errors.OpError as error:
            raise InputError(f'cannot write {self.path}: {one_line(error.message)}') from error
        events = [dict(file_version='brain.Event:2')]
        if graph is not None:
            events.append(dict(graph_def=graph.as_graph_def(add_shapes=True).SerializeToString()))
        self._write(step, events)
        # Tells TensorBoard to drop what an earlier process wrote after this step. It also drops the step given.
        self._write(step + 1, [dict(session_log=SessionLog(status=SessionLog.START))])

    def add(self, step, scalars, values=()):
        """Writes tag -> float, and further Summary.Values, as of `step`."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()] + list(values)
        self._write(step, [dict(summary=Summary(value=values))])

    def start_hparams(self, step, hparams, title=''):
        """Writes name -> bool, number or str, the run's row in TensorBoard's HParams dashboard, as of `step`.

        The dashboard finds the metrics of that row, their last values, among the scalars of the run, and the range of a
        number among all rows. The title is the row's name, else it is the run's path; rows of one title are one, with
        the means of their metrics.
        """
        if hparams_summary:
            self.add(step, {}, hparams_summary.session_start_pb(hparams, group_name=title).value)

    def end_hparams(self, step):
        """Writes that the run of `start_hparams` has come to its end."""
        if hparams_summary:
            self.add(step, {}, hparams_summary.session_end_pb(api_pb2.STATUS_SUCCESS).value)

    def _write(self, step, events):
        try:
            for event in events:
                self.writer.write(Event(wall_time=time.time(), step=step, **event).SerializeToString())
            self.writer.flush()
        except tf.errors.OpError as error:
            raise InputError(f'cannot write {self.path}: {one_line(error.message)}') from error

    def sync(self):
        """Has what was written survive a power cut: once a checkpoint is there, what is before it is not done again."""
        try:
            durable.sync(self.path)
        except OSError as error:
            raise InputError(f'cannot write {self.path}: {error.strerror}') from error

    def close(self):
        """Closes the file; what was written is in it already."""
        try:
            self.writer.close()
        except tf.errors.OpError:
            pass  # The error that led here has been raised already.


class NoEvents(EventFile):
    """In place of an event file, for a worker that writes nothing."""

    def __init__(self):
        pass

    def _write(self, step, events):
        pass

    def sync(self):
        pass

    def close(self):
        pass


def short_name(model):
    """Name of a run: method, dataset and what is not as by default, `MixMatch digits.3@40-100 beta=0.75`."""
    loaded = {name: value for name, value in model.dataset.origin.items()
              if value and name not in ('data_dir', 'source', 'target')}  # The dataset's name has these.
    return ' '.join([model.method_name(), model.dataset.name,
                     *(f'{name}={value}' for name, value in sorted({**model.given, **loaded}.items()))])

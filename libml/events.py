"""Event files for TensorBoard, written at once: a full disk is an error here and not a message from another thread."""

import os
import platform
import time

import tensorflow as tf

from libml.utils import InputError, one_line

Event, SessionLog, Summary = tf.compat.v1.Event, tf.compat.v1.SessionLog, tf.compat.v1.Summary


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
        # Tells TensorBoard to drop what an earlier process wrote after this step.
        events.append(dict(session_log=SessionLog(status=SessionLog.START)))
        self._write(step, events)

    def add(self, step, scalars, values=()):
        """Writes tag -> float, and further Summary.Values, as of `step`."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()] + list(values)
        self._write(step, [dict(summary=Summary(value=values))])

    def _write(self, step, events):
        try:
            for event in events:
                self.writer.write(Event(wall_time=time.time(), step=step, **event).SerializeToString())
            self.writer.flush()
        except tf.errors.OpError as error:
            raise InputError(f'cannot write {self.path}: {one_line(error.message)}') from error

    def close(self):
        """Closes the file; what was written is on disk already."""
        try:
            self.writer.close()
        except tf.errors.OpError:
            pass  # The error that led here has been raised already.

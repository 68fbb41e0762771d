"""Semi-supervised image classification as TensorFlow 1 graphs on TensorFlow 2."""

import os

from libml import quiet_tensorflow

# Where stderr is closed, its number would be that of the next file that is opened, and TensorFlow would write its log
# into a checkpoint.
try:
    os.fstat(2)
except OSError:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

__version__ = '0.1.0'

# TensorFlow reads its log level once, when it is first imported; what matters arrives as an exception.
if os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3') == '3':
    quiet_tensorflow.install()

"""Semi-supervised image classification as TensorFlow 1 graphs on TensorFlow 2."""

import os
import sys

from libml import interrupts

# Where stdout or stderr is closed, its number would be that of the next file that is opened: TensorFlow would write its
# log into a checkpoint. Python has None for it, which not everything that prints takes.
for number, name in ((1, 'stdout'), (2, 'stderr')):
    try:
        os.fstat(number)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        setattr(sys, name, open(number, 'w', errors='replace', closefd=False))

interrupts.begin()

__version__ = '0.1.0'

# TensorFlow reads its log level once, when it is first imported; what matters arrives as an exception.
if os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3') != '0':
    from libml import quiet_tensorflow

    quiet_tensorflow.install()

"""Semi-supervised image classification as TensorFlow 1 graphs on TensorFlow 2."""

import os

# TensorFlow reads its log level once, when it is first imported; what matters arrives as an exception.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

__version__ = '0.1.0'

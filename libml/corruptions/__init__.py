"""The corruptions of CIFAR-10-C, in numpy, scipy and Pillow.

Every corruption takes uint8 images [n, 32, 32, 3], their draws.ImageDraws and the parameters of one severity. It
returns floats (1 is white, any range) or uint8. table lists them with their parameters. arrays reads and writes the
published layout and needs neither scipy nor Pillow.
"""

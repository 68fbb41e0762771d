"""Picture files as people have them: found, read upright, fitted to one size.

`reading`, `fitting` and `converting` run in worker processes: they import Pillow and numpy and never TensorFlow. What
is wrong with a single picture is an `Unreadable`, whose text does not name the picture.
"""

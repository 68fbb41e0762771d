"""Random augmentation of batches of pictures, in TensorFlow.

views.View and views.Views say which views a model takes; tokens and domain_tokens read them from --augment. A strong
part is a function of (uint8 [b, h, w, c], Draws) that returns float32 [b, h, w, c] in [-1, 1], with 0 where nothing of
the picture is left. Every draw comes from a draws.Draws and has a name.
"""

"""Operations on batches of pictures, in TensorFlow and in numpy. Nothing here is random.

Operations by name (operations, pixels, tables, filters, geometry, rescale) share these conventions. Images are uint8
[b, h, w, c] with c = 1 or 3 and h, w from 8 to 224; h, w, c are static, b need not be. A parameter is a tensor [b], one
value per image. The result is the bytes that Pillow 13 computes (mode RGB, or L for one channel). Where Pillow computes
with floats, every formula here is either integers, or floats with the same rounding.

color and resampling work on float planes. enlarge works on arrays in memory, decode on picture files.
"""

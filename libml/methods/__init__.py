"""Parts that several scripts share: models to derive from, and losses.

A model here imports no other model of this folder; teacher, rotation and ntxent are parts that scripts add.
"""

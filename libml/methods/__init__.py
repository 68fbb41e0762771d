"""Parts that several scripts share: models to derive from, and losses.

A model here imports no other model of this folder, but similarity_model its base; teacher, rotation and ntxent are
parts that scripts add.
"""

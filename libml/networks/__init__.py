"""Networks by name (archs) and their layers over tf.get_variable (nn).

Variables are resource variables. Batch norm updates nothing by itself: the step does (models.MultiModel.train_op).
"""

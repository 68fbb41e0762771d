"""One run on several workers, processes with the same graph, as TF_CONFIG says: docs/workers.md.

All of them draw the same batches and compute the same losses and updates. Only the inside of a pass of the network is
split. The chief, worker 0, alone writes and prints.
"""

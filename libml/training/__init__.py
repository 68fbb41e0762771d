"""One run: its loop, its files, its evaluation; finished runs, grouped and drawn.

The loop knows nothing of the algorithm: it calls small methods of the model (warnings, settle, evaluate, report,
after_report, finished, ended). What is reported as saved is whole on disk.
"""

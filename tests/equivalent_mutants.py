"""Changes of mutations.py that change nothing that counts: module -> reason -> {(line, what it becomes), ...}."""

EQUIVALENT = {}

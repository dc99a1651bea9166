"""Mutual Information Preserving Pruning and the work around it: a core without a user interface."""

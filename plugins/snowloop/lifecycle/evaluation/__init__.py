"""Evaluation: a version measured on held-out rows."""

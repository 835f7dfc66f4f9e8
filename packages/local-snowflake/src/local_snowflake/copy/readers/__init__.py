"""Staged files of one format each, read into records."""

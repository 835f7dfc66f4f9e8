"""Rewrites of query trees, one construct a module."""

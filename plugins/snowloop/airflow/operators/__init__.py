"""Operators: one for each stage of the life cycle."""

"""The types of expressions before a statement runs."""

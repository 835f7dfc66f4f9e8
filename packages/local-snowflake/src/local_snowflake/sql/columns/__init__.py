"""Columns: how those of a result are named and typed, and what is written into those of a table."""

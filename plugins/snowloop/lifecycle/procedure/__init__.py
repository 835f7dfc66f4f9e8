"""Stored procedures: their code on a stage, and calls of them."""

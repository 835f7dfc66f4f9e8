"""Statements of plain DDL and of the account, one kind of object a module."""

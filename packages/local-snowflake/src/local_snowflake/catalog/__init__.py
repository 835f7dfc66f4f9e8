"""The objects of the account and their properties, kept in DuckDB."""

"""The objects of the account and their properties, stored in DuckDB."""

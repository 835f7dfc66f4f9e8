"""What an account does not take, and DuckDB or the parser would."""

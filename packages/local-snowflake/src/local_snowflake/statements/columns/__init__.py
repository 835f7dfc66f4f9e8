"""Columns of tables as statements change them."""

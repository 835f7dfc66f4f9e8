"""The views of INFORMATION_SCHEMA."""

"""Environment, load and contract: the data before features are computed."""

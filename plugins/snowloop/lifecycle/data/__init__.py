"""Environment, load and contract: what happens to the data before a model sees it."""

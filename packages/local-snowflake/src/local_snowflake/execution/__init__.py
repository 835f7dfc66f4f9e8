"""How a statement runs: its context, the registry of handlers, results."""

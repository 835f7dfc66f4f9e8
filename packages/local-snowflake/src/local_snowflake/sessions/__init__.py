"""Sessions: transactions, locks, parameters, and what ends them."""

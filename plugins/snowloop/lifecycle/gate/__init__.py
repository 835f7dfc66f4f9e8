"""The gate: checks whose verdict decides whether a version may serve."""

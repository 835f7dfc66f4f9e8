"""Figures about Snowloop on this machine, measured side by side in one run."""

"""Stages: where their files are, how clients transfer them, and the formats that describe them."""

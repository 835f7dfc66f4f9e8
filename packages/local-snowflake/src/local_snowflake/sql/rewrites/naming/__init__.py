"""Which column a name means: by its case, and where several could be meant."""

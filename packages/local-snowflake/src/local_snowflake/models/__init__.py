"""Models and their versions: statements, storage and inference."""

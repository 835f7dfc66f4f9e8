"""What a task graph is, when it runs and what became of its runs; nothing here runs a statement."""

"""Python handlers in processes of their own."""

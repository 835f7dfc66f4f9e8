"""What is deployed: plans of the environment's objects, and the records of what was applied."""

"""Looks at single rows, versions and populations of a target, apart from the loop; nothing that serves is changed."""

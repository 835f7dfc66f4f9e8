"""What procedures and functions share: their definition, overloads, packages, and how they are described."""

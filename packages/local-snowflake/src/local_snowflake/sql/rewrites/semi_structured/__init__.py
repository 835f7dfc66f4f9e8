"""ARRAY, OBJECT and VARIANT: literals, paths, functions of arrays and lambdas, and FLATTEN."""

"""Functions of their own module."""

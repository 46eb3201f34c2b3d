"""Compares serving and proxying with what people use, on one machine, in alternating rounds."""

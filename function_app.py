"""Marks this folder as a function app; the code is in the package function_app/, which wins."""

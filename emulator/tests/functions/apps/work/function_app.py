"""Marker only: the package of the same name beside it is the app."""

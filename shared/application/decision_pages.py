"""The decision log in parts."""

LIMIT_DEFAULT = 50
LIMIT_MAX = 200

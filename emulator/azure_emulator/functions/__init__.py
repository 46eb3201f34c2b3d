"""A Functions host: runs a Python function app on this machine as Azure would run it."""

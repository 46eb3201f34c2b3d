"""Builds the container images of this checkout and says what is in them (`make images`)."""

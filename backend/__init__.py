"""The scoring service: answers predictions over HTTP from one model folder."""

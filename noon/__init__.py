"""The command line of Noon, for people, scripts and the CLI image."""

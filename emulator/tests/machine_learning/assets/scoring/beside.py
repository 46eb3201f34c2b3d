"""What a scoring script imports from its own folder."""

WORD = "found"

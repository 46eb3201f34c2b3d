"""The only place where deciding meets the ports."""

"""The production control plane in a world of chance that can be played again from a seed."""

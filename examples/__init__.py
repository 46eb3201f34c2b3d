"""Tables to try the system with, each turned into daily landing files."""

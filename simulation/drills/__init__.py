"""Planted situations with their expected outcomes, sent through the production code."""

"""Azure on one machine: Azure ML's control plane, Event Grid and a Functions host."""

__version__ = "0.1.0"

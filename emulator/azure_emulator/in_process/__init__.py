"""Azure ML inside the calling process: no socket, no TLS, no Azurite. For unit tests.

>>> from azure_emulator.in_process import InProcessAzure
>>> with InProcessAzure() as azure:
...     client = azure.client()
"""

from .azure import InProcessAzure

__all__ = ["InProcessAzure"]

"""Event Grid on this machine: subscriptions, delivery with retries, and events of blobs."""

"""The prediction proxy beside a bare one and nginx, all in front of the same server."""

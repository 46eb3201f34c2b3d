"""What the gate judged."""

VERSIONS_DEFAULT = 50
VERSIONS_MAX = 200

"""Online endpoints: in ARM, as processes, and when they are scored."""

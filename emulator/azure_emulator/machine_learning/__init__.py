"""Azure ML's control plane: a workspace and what lives in it."""

"""What `noon doctor` looks at: each check says how it stands and what to do about it."""

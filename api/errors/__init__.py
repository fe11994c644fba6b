"""Forms in error: found, looked at, tried again."""

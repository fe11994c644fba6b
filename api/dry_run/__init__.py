"""What a write would do."""

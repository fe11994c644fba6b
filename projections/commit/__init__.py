"""What a writing transaction does to the read tables."""

"""What an erasure takes out of read tables, and what it would take."""

"""Who is told of new entries, and what they were told."""

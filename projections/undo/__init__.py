"""What somebody did, what takes it back, and what that would do."""

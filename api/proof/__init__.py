"""The head of a log, and its signed checkpoint."""

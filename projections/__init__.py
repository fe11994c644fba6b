"""The read side: what the log adds up to."""

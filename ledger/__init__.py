"""The write side: what may be said, who said it, and in which order."""

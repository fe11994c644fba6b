"""Files in and out, in the background."""

"""HTTP on top, and the command line."""

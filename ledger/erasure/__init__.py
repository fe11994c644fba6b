"""Lawful erasure: of a case in the log, and of what repeats it elsewhere."""

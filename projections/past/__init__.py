"""Cases and lists as they were at any time, and what made them so."""

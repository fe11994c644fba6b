"""Lawful erasure of a case."""

"""Undo: tried first, then done by a job."""

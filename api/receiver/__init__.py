"""Submissions of devices, as OpenRosa says."""

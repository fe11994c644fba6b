"""HQ's older case APIs, v0.3 to v0.5 and v1: lists and single cases, read only."""

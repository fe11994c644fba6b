"""Case Data API v2."""

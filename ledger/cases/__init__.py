"""The state of a case, a caller's wish for one, and which case a wish means. Pure."""

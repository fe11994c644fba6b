"""What the process says of itself: health, readiness, metrics, its description."""

"""How much of the deliveries of a webhook is told at once."""

from __future__ import annotations

MOST_LIMIT = 1000

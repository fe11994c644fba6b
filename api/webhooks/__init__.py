"""Webhooks: who is told of new entries, and the telling."""

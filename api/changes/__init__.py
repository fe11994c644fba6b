"""The change feed: pages, long polls, events."""

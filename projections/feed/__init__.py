"""The log as a feed: entries in commit order with the cases they changed."""

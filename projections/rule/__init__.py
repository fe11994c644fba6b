"""The rule: what entries add up to, true without a database. Pure."""

"""What decides about a record of a batch, and needs no database. Pure."""

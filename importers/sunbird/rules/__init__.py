"""What decides about a row of an upload, and needs no database. Pure."""

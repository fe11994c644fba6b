"""What the imports of rows share, and needs no database. Pure."""

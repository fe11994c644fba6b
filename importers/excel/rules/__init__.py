"""What decides about a row of a spreadsheet, and needs no database. Pure."""

"""HQ's bulk upload of spreadsheets."""

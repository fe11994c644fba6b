"""Data only: the XML schemas of what is read and written."""

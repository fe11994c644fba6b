"""The import of a spreadsheet of cases."""

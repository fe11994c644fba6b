"""Files in: CSV and workbooks as tables of texts, whatever they came from."""

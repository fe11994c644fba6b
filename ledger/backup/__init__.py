"""Everything that cannot be derived, in one file: its format, writing, loading."""

"""The databases: connections, statements, and every difference between the two."""

"""Lists of cases: filters, plans, statements, pages, and their indexes."""

"""Single cases: by id, by external id, and what imports ask of them."""

"""The jobs of a domain."""

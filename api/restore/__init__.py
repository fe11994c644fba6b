"""What devices get: their cases, and how they ask for them."""

"""History of a case: what happened to it, why a value is what it is, differences."""

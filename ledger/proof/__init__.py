"""That nobody altered the log: its chain, notes of it, signed checkpoints."""

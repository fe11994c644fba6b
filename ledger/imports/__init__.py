"""What batch imports keep: control files, batches, what became of each record."""

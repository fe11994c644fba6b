"""What the writer is asked to do: bring forms, change what counts, try it only."""

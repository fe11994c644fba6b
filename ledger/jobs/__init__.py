"""Work in the background: the queue, and a chunk of it in one commit."""

"""Read tables built anew: generations, replay, and the proof of what is live."""

"""The worker, how jobs take turns, and the jobs that bring no file."""

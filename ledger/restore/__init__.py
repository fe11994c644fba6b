"""What devices were sent: the logs of their synchronisations."""

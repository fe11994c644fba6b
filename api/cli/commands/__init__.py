"""What can be typed: the commands, their options and their help, and no work."""

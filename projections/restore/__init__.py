"""What a device gets: whose cases, in which state, and what is new since."""

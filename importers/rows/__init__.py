"""What every import of rows does alike."""

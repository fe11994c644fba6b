"""What is around every handler, and may know aiohttp."""

"""What a form may say: XML, case blocks, and what becomes of an id. Pure."""

"""Sunbird's bulk upload API."""

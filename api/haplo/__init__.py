"""Haplo's batch import API, and its pages."""

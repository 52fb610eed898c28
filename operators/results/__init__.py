"""Verbs of what was made."""

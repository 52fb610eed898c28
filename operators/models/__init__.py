"""Verbs of models' files."""

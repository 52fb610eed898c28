"""Verbs of texture painting."""

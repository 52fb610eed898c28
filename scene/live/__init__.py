"""Scenes that line up with their camera and can be re-shaped: a mesh, its nodes, its modifier, its size."""

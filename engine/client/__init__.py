"""Blender's end of the pipe: find the engine's Python, start the worker, give it jobs, see it die."""

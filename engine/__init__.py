"""Depthwright's inference engine: runs without Blender.

The light half (request, protocol, errors, client, environment, catalog) needs the standard library
and numpy and is safe inside Blender, as is ``geometry``. Everything else runs in the worker process.
"""

"""Blender's datablocks: finding, linking, selecting them, writing arrays, nodes and records into them, or not at all."""

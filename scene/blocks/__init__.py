"""Datablocks: finding, linking, selecting them, writing arrays, nodes and records into them, whole or not at all."""

"""Relievo without a window: one parser, two doors (``relievo`` and ``blender -b --command relievo``)."""

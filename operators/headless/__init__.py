"""Depthwright without a window: one parser, two doors (``depthwright`` and ``blender -b --command depthwright``)."""

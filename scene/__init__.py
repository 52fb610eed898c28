"""The only part of Depthwright that writes Blender data: Blender's axes and colour spaces appear here alone."""

"""The only part of Relievo that writes Blender data. Blender's axes and colour spaces appear here and nowhere else."""

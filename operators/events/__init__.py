"""What Blender does to us: files that open, renders that begin, a command line."""

"""What Blender does to us: files that open, renders that begin, undo, a command line."""

"""What a camera sees: Blender cameras as numbers, and the depth of the scene before them."""

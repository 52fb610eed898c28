"""What depth means in space. numpy only, so that Blender's process may import it; knows no Blender and no torch.

Everything here is in one convention: depth along the view axis (z-depth), radians, pixel centres at +0.5, row 0 on
top; in camera space x points right, y down, z forward.
"""

"""OpenEXR files, read by numpy and the standard library: Blender's images know neither channels nor parts nor windows.

    header   parts, channels, windows, compression: what a file holds, checked against its length
    pixels   the numbers of some channels, in the display window
    depth    which channel is the depth
    picture  which channels are the picture

Files have scan lines of unsigned integers, half or float, one part or many, stored as they are or by RLE, ZIPS or ZIP.
Others are refused by name. From the published description of the format (openexr.com, OpenEXR File Layout).
"""

from .depth import read_depth
from .header import Box, Channel, Header, Part, read_header
from .picture import is_plain, read_colours
from .pixels import read_channels, reads

__all__ = [
    "Box",
    "Channel",
    "Header",
    "Part",
    "is_plain",
    "read_channels",
    "read_colours",
    "read_depth",
    "read_header",
    "reads",
]

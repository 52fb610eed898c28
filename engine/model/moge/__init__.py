"""MoGe-2 (arXiv 2507.02546): one picture -> metric depth, field of view, surface normals, and where there is geometry.

network   the network as it was published: picture -> points up to a shift, normals, mask, scale (raw)
files     checkpoints of either naming into it; sizes are read off the file
solve     from raw points to focal length and shift
infer     the whole of it: picture -> metres and field of view
"""

from .infer import BEST_TOKENS, QUICK_TOKENS, Geometry, infer
from .network import MoGe, Raw

__all__ = ["BEST_TOKENS", "QUICK_TOKENS", "Geometry", "MoGe", "Raw", "infer"]

"""Bringing the engine here: which card there is, uv, downloads, the environment, its proof and its state."""

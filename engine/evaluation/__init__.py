"""The measures: how good depth is, and how well a model reads a picture."""

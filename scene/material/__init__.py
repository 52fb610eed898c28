"""Materials with relief: how a height becomes shape, and the maps other programs read."""

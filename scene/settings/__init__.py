"""What the user has chosen: the tab, the Paint panel, the preferences."""

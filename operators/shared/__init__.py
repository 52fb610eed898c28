"""What verbs have in common: the session, waiting for work, reading the panel, what the tab shows."""

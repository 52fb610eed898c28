"""The engine's process: it reads requests, does them one after the other, and answers."""

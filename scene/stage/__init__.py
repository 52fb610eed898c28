"""Pictures of what was made: renders, and the previews of assets."""

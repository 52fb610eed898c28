"""Ways to run models of one kind, and what they share: loading, frames, what is known of a result."""

"""What fits where: plans, quantised weights, streaming, embeddings on disk. Knows modules and bytes; not prompts."""

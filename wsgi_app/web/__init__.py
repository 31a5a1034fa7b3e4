"""HTTP, for no page in particular."""

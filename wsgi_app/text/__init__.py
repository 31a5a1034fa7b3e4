"""Words and markup, for no page in particular."""

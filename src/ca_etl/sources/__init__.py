"""One module per source: what it requests for a slot, and what its responses become."""

"""One module per source: what to ask for, and how to read the answer."""

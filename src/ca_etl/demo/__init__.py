"""A small WordPress-like news site on loopback: real figures, invented prose, any day of its history."""

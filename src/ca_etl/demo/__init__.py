"""The demo site: a small WordPress-like news site on loopback, with real exchange rates and invented articles."""

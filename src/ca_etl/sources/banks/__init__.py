"""Central banks, whose official rates are held against the ticker: a module a bank."""

"""Pictures of what a release holds, each a pure function from rows to a chart."""

"""From the unique texts of articles to what they speak of: pure functions, one finder a module."""

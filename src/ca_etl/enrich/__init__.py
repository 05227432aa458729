"""Facts from texts: countries, amounts of money, near-duplicates."""

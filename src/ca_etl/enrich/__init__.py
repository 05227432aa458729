"""Extraction of facts from article texts: countries, amounts of money, language and near-duplicates."""

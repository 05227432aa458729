"""Parsers that turn the bytes of one capture into rows: ticker rates, page date, result count, articles, rejects.

`rows.rows_of` returns the rows of a capture, `rows.read_page` the parsed page. All functions are pure (no clock,
network or disk) and never raise, whatever the input.
"""

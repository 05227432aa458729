"""From the bytes of one capture to rows: ticker, dates, listing header, articles.

`rows.rows_of` gives the rows of a capture, `rows.read_page` what one page states. Everything here is pure: no clock,
no network, no disk, and no exception for any input.
"""

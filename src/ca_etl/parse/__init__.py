"""From the bytes of one capture to rows: ticker, dates, listing header, articles.

`rows.rows_of` is the only entry other rooms need. Everything here is pure: no clock, no network,
no disk, and no exception for any input.
"""

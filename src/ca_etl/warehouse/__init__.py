"""The warehouse: from rows to a release that an analyst can open at any moment.

Layout of the data directory, as this room sees it:

    .lock  .running.json           the run lock, and the run that holds it
    runs.jsonl                     one line per run, failed ones too
    releases/<id>.building/        the draft release of a run, private to it
    releases/<id>/                 published, immutable: warehouse.duckdb, parquet/, datapackage.json
    current -> releases/<id>       the pointer, moved last and atomically

A run works in its own copy of the current warehouse file, so that a reader never blocks it (see `release`).

DuckDB shows an old release to a process that still holds a connection to it, even through a new
`connect`: readers see a new release once all their connections to the old file are closed, or when they
open the resolved path of `current`.
"""

"""The steps of a run, in order. The command line and the Prefect flow both run these.

    capture   the slot's pages into the archive        (an ingest: `ingest`, a rebuild: nothing)
    load      archive files the warehouse does not know yet, parsed, into `raw.*` of a building copy
    build     the SQL models, in one transaction
    check     queries that return offending rows
    publish   Parquet, descriptor, rename, `current`, prune

Each step leaves its result on disk, so that it can be repeated after a failure, and a run killed
between two steps loses nothing: captures are sealed in the archive before anything reads them,
and the next run loads every archive file that the warehouse does not know yet. Nothing is published
unless every check of severity `error` is silent. A run that fails or is killed is still a run: it
has its line in `runs.jsonl`.
"""

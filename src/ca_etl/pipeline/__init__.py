"""The steps of a run, in order. The command line and the Prefect flow both run these.

    capture   the slot's pages into the archive  (`ingest` and `capture_history` in its place; none in a rebuild)
    load      archive files that the warehouse lacks, parsed, into `raw.*` of the run's private copy of it
    enrich    countries, amounts, language and near-duplicates of new article texts
    build     the SQL models, in one transaction
    check     queries that return offending rows
    report    one HTML page with pictures; where it cannot be made, the run warns
    publish   Parquet, descriptor, rename, `current`, prune

Each step leaves its result on disk, so that it can be repeated after a failure, and a run killed
between two steps loses nothing: captures are sealed in the archive before anything reads them,
and the next run loads every archive file that the warehouse lacks. Nothing is published while a
check of severity `error` returns a row. A run that fails or is killed has its line in `runs.jsonl`, too.
"""

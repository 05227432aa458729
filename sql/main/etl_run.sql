/*
description: >-
  One row per run of the pipeline, failed ones too. A view, so that it shows the run that made this release as well.
materialized: view
grain: [run_id]
columns:
  run_id: The run.
  kind: What was requested - the daily run, an ingest, a rebuild.
  slot: The scheduled instant that the run was for, null for a run without a schedule.
  started_at: When it began.
  finished_at: When it ended, null for a run that was killed.
  duration_ms: How long it took in milliseconds, null for a run that was killed.
  status: How it ended.
  exit_status: Exit status of the process - 0 done, 1 failed, 2 wrong usage, 3 checks failed, 75 locked out.
  release_id: The release that it published, null where it published none.
  captures: Captures that it loaded.
  rejects: Rejects that it wrote.
  error: What went wrong, null where nothing did.
  warnings: What it warned of.
  code_version: The version of the code that ran.
checks:
  - not_null: [kind, started_at, status]
  - name: does_not_end_before_it_began
    sql: select run_id, started_at, finished_at from main.etl_run where finished_at < started_at
*/
select
    run_id,
    kind,
    slot,
    started_at,
    finished_at,
    date_diff('millisecond', started_at, finished_at) as duration_ms,
    status,
    exit_status,
    release_id,
    captures,
    rejects,
    error,
    warnings,
    code_version
from raw.run

/*
description: >-
  One row per run of the pipeline, failed ones too. A view, so that the run that made this release is included.
materialized: view
grain: [run_id]
columns:
  run_id: Id of the run, made of the start in UTC, with a number where two runs began in one second.
  kind: >-
    Kind of the run - run (request the sources), ingest (load given files), backfill (request older content), rebuild
    (read the whole archive again) or retry (read rejected captures again).
  status: >-
    Result of the run - succeeded, failed, cancelled (by Ctrl-C, a signal or Prefect), checks_failed (nothing was
    published) or crashed (killed).
  exit_status: >-
    Exit status code of the command - 0 done, 1 failed, 2 wrong usage, 3 checks failed, 75 another run held the lock;
    null for a crashed run.
  slot: Scheduled instant of the run, UTC; null for a run without a schedule.
  started_at: Time at which the run began, UTC.
  finished_at: Time at which the run ended, UTC; null for a crashed run.
  duration_ms: Duration of the run in milliseconds; null for a crashed run.
  release_id: Id of the release that the run published; null where none was published.
  captures: Number of captures that the run loaded.
  rejects: Number of rejects that the run loaded; rejects for deleted articles, unavailable sources and days without a publication are not counted.
  of_other_sites: >-
    Number of records that were left out as pages of other sites, of the ingested WARC and WET files that the run
    loaded; 0 for a run that loaded none.
  error: Error that ended the run, as text for people; null for a run without an error.
  warnings: Problems that did not stop the run, as a list of sentences.
  code_version: Version of the program that ran.
checks:
  - not_null: [kind, started_at, status]
  - name: does_not_end_before_it_began
    sql: select run_id, started_at, finished_at from main.etl_run where finished_at < started_at
*/
select
    run_id,
    kind,
    status,
    exit_status,
    slot,
    started_at,
    finished_at,
    date_diff('millisecond', started_at, finished_at) as duration_ms,
    release_id,
    captures,
    rejects,
    of_other_sites,
    error,
    warnings,
    code_version
from raw.run

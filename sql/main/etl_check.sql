/*
description: >-
  One row per run and check - what was checked, and how many rows did not pass. A view, so that it shows
  the checks of the run that made this release as well.
materialized: view
grain: [run_id, check_name]
columns:
  run_id: The run.
  started_at: When the run began, null where the run is unknown.
  check_name: The check.
  model: The table that it is about.
  severity: error (a firing check stops publication) or warning.
  is_firing: True where at least one row did not pass.
  offending_rows: How many rows did not pass.
  sample: A few of them as text.
checks:
  - accepted: {severity: [error, warning]}
  - between: {offending_rows: [0, null]}
*/
select
    result.run_id,
    run.started_at,
    result.check_name,
    result.model,
    result.severity,
    result.offending_rows > 0 as is_firing,
    result.offending_rows,
    result.sample
from raw.check_result as result
left join raw.run as run on run.run_id = result.run_id

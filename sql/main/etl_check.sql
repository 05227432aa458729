/*
description: >-
  One row per run and check, with the number of rows that did not pass. A view, so that the checks of the run that made
  this release are included.
materialized: view
grain: [run_id, check_name]
columns:
  check_name: Name of the check.
  severity: Severity of the check, error (offending rows stop the publication) or warning.
  is_firing: True where at least one row did not pass the check.
  offending_rows: Number of rows that did not pass the check.
  sample: Some of the rows that did not pass the check, as text.
  model: Table that the check is about, as schema.table.
  run_id: Id of the run that evaluated the check.
  started_at: Time at which the run began, UTC; null where the journal has no line of the run.
checks:
  - accepted: {severity: [error, warning]}
  - between: {offending_rows: [0, null]}
*/
select
    result.check_name,
    result.severity,
    result.offending_rows > 0 as is_firing,
    result.offending_rows,
    result.sample,
    result.model,
    result.run_id,
    run.started_at
from raw.check_result as result
left join raw.run as run on run.run_id = result.run_id

/*
description: >-
  One row per reject of the parser or the archive reader, and one per capture that an operator excluded - what gave no
  rows, and why.
grain: [capture_id, position]
columns:
  capture_id: The capture; for a part of an archive file that is not a capture, its file and offset.
  position: Counts the rejects of a page from 1; 0 for a damaged record, -1 for a capture excluded by decision.
  reason: The code of the reason; excluded for a decision.
  detail: What exactly was wrong, or why it was excluded.
  excerpt: The start of the text in question.
  source: What was captured, as in main.dim_source; null where there is no capture.
  url: The address, null for files given by hand.
  observed_at: When the bytes were fetched, null where unknown.
  page_date: The date that the page prints.
  archive_file: The WARC file that holds the bytes.
  archive_offset: Where in that file the record starts.
  parser_version: The parser that rejected it, null for a decision.
  run_id: The run that read it; for a decision, the run that loaded the capture.
sort: [capture_id, position]
checks:
  - not_null: [reason, detail]
*/
with rejects as (
    select capture_id, position, reason, detail, excerpt, parser_version, run_id
    from raw.reject
    union all
    select capture_id, -1, 'excluded', reason, '', null, null
    from raw.decision
    where decision = 'exclude'
)

select
    rejects.capture_id,
    rejects.position,
    rejects.reason,
    rejects.detail,
    rejects.excerpt,
    capture.source,
    capture.url,
    capture.captured_at as observed_at,
    capture.page_date,
    capture.archive_file,
    capture.archive_offset,
    rejects.parser_version,
    coalesce(rejects.run_id, capture.run_id) as run_id
from rejects
left join raw.capture as capture on capture.capture_id = rejects.capture_id

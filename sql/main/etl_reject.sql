/*
description: >-
  One row per reject of the parser or the archive reader, and one per capture that an operator excluded, with the reason
  why no rows were made.
grain: [capture_id, position]
columns:
  capture_id: WARC record id of the capture with the reject; for a damaged archive record, the archive file and offset.
  position: >-
    Position of the reject among the rejects of the capture, from 1; 0 for a damaged archive record, -1 for a capture
    excluded by decision.
  reason: Reason code of the reject, such as http_error; excluded for a capture excluded by decision.
  detail: Explanation of the reject; for a capture excluded by decision, the reason of the decision.
  excerpt: Start of the rejected text; empty without a text.
  source: Source of the capture, a key of main.dim_source; null where no loaded capture matches.
  url: URL of the capture; null for an ingested file without a URL, and where no loaded capture matches.
  observed_at: Time at which the capture was fetched, UTC; null where unknown.
  page_date: Date that the page prints; null where no date was read.
  archive_file: Path of the capture's WARC file, relative to the archive folder; null where no loaded capture matches.
  archive_offset: Start of the WARC record in the file, in bytes from 0; null where no loaded capture matches.
  parser_version: Version of the parser that read the capture; null for a capture excluded by decision.
  run_id: Id of the run that read the capture; null for an excluded capture that is not loaded.
sort: [capture_id, position]
checks:
  - not_null: [reason, detail]
  - references: {source: main.dim_source.source}
    severity: warning
    alerts: false
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

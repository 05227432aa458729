/*
description: >-
  One row per capture whose observations count: all but those that an operator excluded.
grain: [capture_id]
columns:
  capture_id: The WARC record id.
  source: What was captured, as in main.dim_source.
  url: The address, null for a file given by hand.
  observed_at: When the bytes were fetched (captured_at), null where unknown.
  captured_date: The calendar day of observed_at in Asia/Almaty.
  page_date: The date that the page prints, null where it prints none.
  observed_date: >-
    The day of the capture - page_date where there is one, however old, since a cached page carries the rates of its own
    day; else captured_date. Two page dates do not count and leave captured_date - that of a page of one article, which
    is the date of the article, and one more than a day after captured_date, which no page can have printed. Null means
    undated.
  observed_from: observed_at, else the instant at which observed_date began in the time zone of the settings.
  date_conflict: >-
    True where page_date and captured_date are more than two days apart, false where they are not, null where one of
    them is unknown.
  capture_order: >-
    Counts the captures in the order in which they count, the latest highest - by day, then by observed_at,
    those without a known time first, then by position in the archive. Shifts when older captures are added.
  page_kind: What the parser recognised the page as.
  http_status: Status code of the response, null for a file given by hand.
  response_class: What the response is - page, unchanged, deleted, unavailable or error; see raw.capture.
  payload_sha256: SHA-256 of the body; equal for equal pages.
  shown_from: First number of the page's line on how many results it shows.
  shown_to: Last number of that line.
  shown_total: Total of that line.
  articles_parsed: Articles that the parser read.
  schedule: The schedule that the capture was made for, null for an ingest or a backfill.
  slot: The scheduled instant that it was made for, null for an ingest or a backfill.
  archive_file: The WARC file that holds the bytes.
  archive_offset: Where in that file the record starts.
  parser_version: The parser that read it.
  run_id: The run that loaded it.
  is_accepted: True where an operator has accepted the rates of the capture.
*/
select
    capture.capture_id,
    capture.source,
    capture.url,
    capture.captured_at as observed_at,
    capture.captured_date,
    capture.page_date,
    capture.observed_date,
    capture.observed_from,
    abs(capture.page_date - capture.captured_date) > 2 as date_conflict,
    row_number() over (
        order by
            capture.observed_date, capture.captured_at nulls first,
            capture.archive_file, capture.archive_offset, capture.capture_id
    ) as capture_order,
    capture.page_kind,
    capture.http_status,
    capture.response_class,
    capture.payload_sha256,
    capture.shown_from,
    capture.shown_to,
    capture.shown_total,
    capture.articles_parsed,
    archive_file.schedule,
    archive_file.slot,
    capture.archive_file,
    capture.archive_offset,
    capture.parser_version,
    capture.run_id,
    coalesce(decided.decision = 'accept', false) as is_accepted
from raw.capture as capture
left join raw.archive_file as archive_file on archive_file.archive_file = capture.archive_file
left join raw.decision as decided on decided.capture_id = capture.capture_id
where decided.decision is distinct from 'exclude'

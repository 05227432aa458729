/*
description: >-
  One row per capture that no operator excluded. A text that a web archive made of a page (WET) is here only where no
  capture has the page itself, at the same URL and time.
grain: [capture_id]
columns:
  capture_id: WARC record id of the capture.
  source: Source of the capture, a key of main.dim_source.
  source_kind: >-
    Kind of the archived bytes - warc (from the server of the page), wet (text that a web archive made of a page) or file
    (given by hand).
  url: URL of the capture; null for an ingested file without a URL.
  observed_at: Time at which the capture was fetched, UTC; null where unknown.
  captured_date: Calendar day on which the capture was fetched, in Asia/Almaty; null where unknown.
  page_date: Date that the page prints; null where no date was read.
  observed_date: >-
    Day of the capture, which is page_date, however old, else captured_date (Asia/Almaty); captured_date also for an
    article page and where page_date is more than a day later. Null where both are unknown.
  observed_from: >-
    Earliest time at which the site is known to have shown the capture, UTC, which is observed_at, else the start of
    observed_date in the zone of the settings; null where both are unknown.
  date_conflict: >-
    True where page_date and the Asia/Almaty day of the capture differ by more than two days; null where one of the two
    is unknown.
  capture_order: >-
    Ordinal of the capture by observed_date, time of the fetch (unknown first) and position in the archive, from 1;
    shifts when older captures are added.
  page_kind: Kind of page that the parser recognised, such as listing; null where no page was read.
  http_status: HTTP status code of the response; null for an ingested file without HTTP headers.
  response_class: >-
    Class of the response - page, unchanged (body of an earlier capture), deleted (article page, 404 or 410),
    unavailable (posts API or feed, refused for good) or error (any other response without a page).
  payload_sha256: SHA-256 of the response body without transfer and content encoding, in hex.
  shown_from: Ordinal of the first result on the page, 1 in a printed "showing 1 - 6 of 8"; null where not printed.
  shown_to: >-
    Ordinal of the last result on the page, 6 in a printed "showing 1 - 6 of 8", which may exceed shown_total; null
    where not printed.
  shown_total: >-
    Number of results that the site states, 8 in a printed "showing 1 - 6 of 8"; of the posts API X-WP-Total. Null where
    not stated.
  articles_parsed: Number of articles that the parser read from the page.
  schedule: Schedule that the capture was made for, such as daily; null for an ingest or a backfill.
  slot: Scheduled instant that the capture was made for, UTC; null for an ingest or a backfill.
  is_backfilled: >-
    True where the capture comes from a web archive, an ingested file or a backfill, and not from a scheduled run.
  archive_file: Path of the capture's WARC file, relative to the archive folder.
  archive_offset: Start of the WARC record in the file, in bytes from 0.
  parser_version: Version of the parser that read the capture.
  run_id: Id of the run that loaded the capture.
  is_accepted: True where an operator checked the capture and accepted the rates.
*/
select
    capture.capture_id,
    capture.source,
    capture.source_kind,
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
    archive_file.slot is null as is_backfilled,
    capture.archive_file,
    capture.archive_offset,
    capture.parser_version,
    capture.run_id,
    coalesce(decided.decision = 'accept', false) as is_accepted
from raw.capture as capture
left join raw.archive_file as archive_file on archive_file.archive_file = capture.archive_file
left join raw.decision as decided on decided.capture_id = capture.capture_id
anti join staging.stg_superseded_capture as superseded on superseded.capture_id = capture.capture_id
where decided.decision is distinct from 'exclude'

create table if not exists raw.capture (
    capture_id varchar not null,
    source varchar not null,
    source_kind varchar not null check (source_kind in ('warc', 'wet', 'file')),
    url varchar,
    captured_at timestamptz,
    captured_date date,
    page_date date,
    observed_date date,
    observed_from timestamptz,
    page_kind varchar,
    http_status integer,
    response_class varchar not null,
    content_type varchar,
    charset varchar,
    etag varchar,
    last_modified varchar,
    refers_to varchar,
    payload_sha256 varchar not null,
    payload_bytes bigint not null,
    shown_from integer,
    shown_to integer,
    shown_total integer,
    ticker_cycles integer not null,
    articles_parsed integer not null,
    archive_file varchar not null,
    archive_offset bigint not null,
    parser_version varchar not null,
    run_id varchar not null,
    primary key (capture_id)
);

comment on table raw.capture is 'Captures, each one response of a site or one ingested file as the archive holds it. One row per capture.';
comment on column raw.capture.capture_id is 'WARC record id of the capture.';
comment on column raw.capture.source is 'Source of the capture, a key of main.dim_source.';
comment on column raw.capture.source_kind is 'Kind of the archived bytes - warc (from the server of the page), wet (text that a web archive made of a page) or file (given by hand).';
comment on column raw.capture.url is 'URL of the capture; null for an ingested file without a URL.';
comment on column raw.capture.captured_at is 'Time at which the capture was fetched, UTC; null where unknown.';
comment on column raw.capture.captured_date is 'Calendar day on which the capture was fetched, in Asia/Almaty; null where unknown.';
comment on column raw.capture.page_date is 'Date that the page prints; null where no date was read.';
comment on column raw.capture.observed_date is 'Day of the capture, which is page_date, however old, else captured_date (Asia/Almaty); captured_date also for an article page and where page_date is more than a day later. Null where both are unknown.';
comment on column raw.capture.observed_from is 'Earliest time at which the site is known to have shown the capture, UTC, which is captured_at, else the start of observed_date in the zone of the settings; null where both are unknown.';
comment on column raw.capture.page_kind is 'Kind of page that the parser recognised, such as listing; null where no page was read.';
comment on column raw.capture.http_status is 'HTTP status code of the response; null for an ingested file without HTTP headers.';
comment on column raw.capture.response_class is 'Class of the response - page, unchanged (body of an earlier capture), deleted (article page, 404 or 410), unavailable (posts API or feed, refused for good) or error (any other response without a page).';
comment on column raw.capture.content_type is 'Content-Type header of the response; null where none was sent.';
comment on column raw.capture.charset is 'Character set with which the page was decoded; null where no page was read.';
comment on column raw.capture.etag is 'ETag header of the response, for the next conditional request; null where none was sent.';
comment on column raw.capture.last_modified is 'Last-Modified header of the response, for the next conditional request; null where none was sent.';
comment on column raw.capture.refers_to is 'WARC record id of the earlier capture whose body the capture repeats (response 304); null for a capture with a body.';
comment on column raw.capture.payload_sha256 is 'SHA-256 of the response body without transfer and content encoding, in hex.';
comment on column raw.capture.payload_bytes is 'Length of the response body without transfer and content encoding, in bytes.';
comment on column raw.capture.shown_from is 'Ordinal of the first result on the page, 1 in a printed "showing 1 - 6 of 8"; null where not printed.';
comment on column raw.capture.shown_to is 'Ordinal of the last result on the page, 6 in a printed "showing 1 - 6 of 8", which may exceed shown_total; null where not printed.';
comment on column raw.capture.shown_total is 'Number of results that the site states, 8 in a printed "showing 1 - 6 of 8"; of the posts API X-WP-Total. Null where not stated.';
comment on column raw.capture.ticker_cycles is 'Number of times that the page prints the ticker; 0 without a ticker.';
comment on column raw.capture.articles_parsed is 'Number of articles that the parser read from the page.';
comment on column raw.capture.archive_file is 'Path of the capture''s WARC file, relative to the archive folder.';
comment on column raw.capture.archive_offset is 'Start of the WARC record in the file, in bytes from 0.';
comment on column raw.capture.parser_version is 'Version of the parser that read the capture.';
comment on column raw.capture.run_id is 'Id of the run that loaded the capture.';

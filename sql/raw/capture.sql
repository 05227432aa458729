create table if not exists raw.capture (
    capture_id varchar not null,
    source varchar not null,
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

comment on table raw.capture is 'One response, or one file given by hand, as the archive holds it. One row per capture.';
comment on column raw.capture.capture_id is 'The id of the WARC record.';
comment on column raw.capture.source is 'What was captured on a cadence: a site, a feed, a bank.';
comment on column raw.capture.url is 'Address requested; null for a file given by hand without one.';
comment on column raw.capture.captured_at is 'When the bytes were fetched, UTC; null where unknown.';
comment on column raw.capture.captured_date is 'Calendar day of captured_at in Asia/Almaty.';
comment on column raw.capture.page_date is 'The date that the page prints; null when it prints none.';
comment on column raw.capture.observed_date is 'The day of the capture: page_date, however old; captured_date for an article page, or where page_date is missing or more than a day after it. Null for an undated capture.';
comment on column raw.capture.observed_from is 'captured_at, else the instant at which observed_date began in the time zone of the settings; UTC.';
comment on column raw.capture.page_kind is 'What the page was recognised as, such as listing.';
comment on column raw.capture.http_status is 'Status code of the response; null for a file given by hand.';
comment on column raw.capture.response_class is 'page, unchanged (the body is that of an earlier capture), deleted (the page of an article, 404 or 410), unavailable (posts API or feed, refused for good) or error (all else that gives no page).';
comment on column raw.capture.content_type is 'Content-Type as sent.';
comment on column raw.capture.charset is 'Character set that the text was decoded with.';
comment on column raw.capture.etag is 'ETag as sent, for the next conditional request.';
comment on column raw.capture.last_modified is 'Last-Modified as sent, for the next conditional request.';
comment on column raw.capture.refers_to is 'The capture whose body this one repeats (response 304); null for a body of its own.';
comment on column raw.capture.payload_sha256 is 'SHA-256 of the body, transfer and content encoding removed, in hex.';
comment on column raw.capture.payload_bytes is 'Length of that body in bytes.';
comment on column raw.capture.shown_from is 'First number of the printed "showing 1 - 6 of 8"; null when not printed.';
comment on column raw.capture.shown_to is 'Second number of it.';
comment on column raw.capture.shown_total is 'Third number of it.';
comment on column raw.capture.ticker_cycles is 'How many times the page repeats the ticker of rates.';
comment on column raw.capture.articles_parsed is 'Articles that the parser read.';
comment on column raw.capture.archive_file is 'The WARC file, relative to the archive folder.';
comment on column raw.capture.archive_offset is 'Where the record starts in that file, in bytes.';
comment on column raw.capture.parser_version is 'Version of the parser that read the capture.';
comment on column raw.capture.run_id is 'The run that loaded the capture.';

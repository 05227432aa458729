create table if not exists raw.reject (
    capture_id varchar not null,
    "position" integer not null,
    reason varchar not null,
    detail varchar not null,
    excerpt varchar not null,
    parser_version varchar not null,
    run_id varchar not null,
    primary key (capture_id, "position")
);

comment on table raw.reject is 'Parts of captures that gave no row, with the reason. One row per capture and position.';
comment on column raw.reject.capture_id is 'WARC record id of the capture with the reject; for a damaged archive record, the archive file and offset.';
comment on column raw.reject."position" is 'Position of the reject among the rejects of the capture, from 1; 0 for a damaged archive record.';
comment on column raw.reject.reason is 'Reason code of the reject, such as http_error.';
comment on column raw.reject.detail is 'Explanation of the reject, what was expected and what was read.';
comment on column raw.reject.excerpt is 'Start of the rejected text; empty without a text.';
comment on column raw.reject.parser_version is 'Version of the parser that read the capture.';
comment on column raw.reject.run_id is 'Id of the run that read the capture.';

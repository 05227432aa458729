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

comment on table raw.reject is 'A part of a capture that gave no row, and why. One row per capture and position.';
comment on column raw.reject.capture_id is 'The capture; for a bad archive record its file and offset, and then matches no raw.capture.';
comment on column raw.reject."position" is 'Number of the reject within its capture.';
comment on column raw.reject.reason is 'Reason code.';
comment on column raw.reject.detail is 'What was expected and what was found.';
comment on column raw.reject.excerpt is 'The start of the offending text.';
comment on column raw.reject.parser_version is 'Version of the parser that rejected it.';
comment on column raw.reject.run_id is 'The run that read it.';

create table if not exists raw.decision (
    capture_id varchar not null,
    decision varchar not null check (decision in ('exclude', 'accept')),
    reason varchar not null,
    decided_at timestamptz not null,
    primary key (capture_id)
);

comment on table raw.decision is 'Decisions of an operator about captures. One row per capture decided on.';
comment on column raw.decision.capture_id is 'WARC record id of the capture decided on, which need not be loaded yet.';
comment on column raw.decision.decision is 'Decision about the capture, exclude (models leave the capture out) or accept (checks of rates let the capture pass).';
comment on column raw.decision.reason is 'Reason of the decision, in words.';
comment on column raw.decision.decided_at is 'Time of the decision, UTC.';

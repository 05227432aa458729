create table if not exists raw.decision (
    capture_id varchar not null,
    decision varchar not null check (decision in ('exclude', 'accept')),
    reason varchar not null,
    decided_at timestamptz not null,
    primary key (capture_id)
);

comment on table raw.decision is 'What an operator decided about a capture. One row per capture decided on.';
comment on column raw.decision.capture_id is 'The capture; it need not be loaded yet.';
comment on column raw.decision.decision is 'exclude: models leave it out. accept: checks of its rates let it pass.';
comment on column raw.decision.reason is 'Why, in words.';
comment on column raw.decision.decided_at is 'When it was decided, UTC.';

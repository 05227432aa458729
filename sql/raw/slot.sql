create table if not exists raw.slot (
    run_id varchar not null,
    source varchar not null,
    schedule varchar not null,
    slot timestamptz not null,
    day date not null,
    outcome varchar not null,
    reason varchar,
    primary key (run_id, source, schedule, slot)
);

comment on table raw.slot is 'What a run knows of an expected slot: its own, or one before it without a run. One row per run, source and slot.';
comment on column raw.slot.run_id is 'The run that says so.';
comment on column raw.slot.source is 'The source that the slot was for.';
comment on column raw.slot.schedule is 'The schedule that expected it.';
comment on column raw.slot.slot is 'The scheduled instant, UTC.';
comment on column raw.slot.day is 'Calendar day of the slot in the zone of the schedule.';
comment on column raw.slot.outcome is 'observed, unchanged, closed, blocked, failed or missed, as the run saw it.';
comment on column raw.slot.reason is 'Why, where the outcome alone does not say it all.';

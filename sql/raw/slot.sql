create table if not exists raw.slot (
    run_id varchar not null,
    source varchar not null,
    schedule varchar not null,
    slot timestamptz not null,
    day date not null,
    outcome varchar not null,
    reason varchar,
    cause varchar,
    pages_requested integer,
    pages_usable integer,
    is_complete boolean,
    primary key (run_id, source, schedule, slot)
);

comment on table raw.slot is 'What a run recorded of an expected slot: its own, or an earlier one that had no run. One row per run, source, schedule and slot.';
comment on column raw.slot.run_id is 'The run that recorded it.';
comment on column raw.slot.source is 'The source that the slot was for.';
comment on column raw.slot.schedule is 'The schedule that expected it.';
comment on column raw.slot.slot is 'The scheduled instant, UTC.';
comment on column raw.slot.day is 'Calendar day of the slot in the zone of the schedule.';
comment on column raw.slot.outcome is 'observed, unchanged, closed, blocked, failed or missed, as the run recorded it.';
comment on column raw.slot.reason is 'Why, as text for people; null where the outcome alone is clear.';
comment on column raw.slot.cause is 'Why it failed: site, no_rates, no_articles, implausible, page_limit, machine, interrupted, killed; null for another outcome, and for a line written before this column.';
comment on column raw.slot.pages_requested is 'Single pages requested for the slot, by this run or before; null for other sources, and where it is unknown.';
comment on column raw.slot.pages_usable is 'Those of them that were received, changed or not; null like pages_requested.';
comment on column raw.slot.is_complete is 'Whether the source gave all that it has of what was requested; null where that is unknown.';

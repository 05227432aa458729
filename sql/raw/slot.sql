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

comment on table raw.slot is 'Expected slots as a run recorded them, the slot of the run and earlier ones without a run. One row per run, source, schedule and slot.';
comment on column raw.slot.run_id is 'Id of the run that recorded the outcome.';
comment on column raw.slot.source is 'Source to be captured in the slot, a key of main.dim_source.';
comment on column raw.slot.schedule is 'Schedule that expected the slot, such as daily.';
comment on column raw.slot.slot is 'Scheduled instant, UTC.';
comment on column raw.slot.day is 'Calendar day of the slot in the zone of the schedule, by default Asia/Almaty.';
comment on column raw.slot.outcome is 'Outcome of the slot that the run recorded - observed (rates or articles were fetched), unchanged (nothing new since the last run), closed (the site does not offer the source), blocked (the site refused), failed (no usable capture) or missed (no run).';
comment on column raw.slot.reason is 'Reason of the outcome, in words; null where the outcome alone is clear.';
comment on column raw.slot.cause is 'Cause of the failure of the slot - site (not reached, or nothing usable), no_rates (no page printed rates), no_articles (no page gave an article), implausible (more articles missing than editors remove), page_limit (more pages than one run requests), machine (error of the machine, the settings or the program), interrupted (by an operator or a service) or killed (process ended without a record); null for another outcome, and for a slot recorded before this column existed.';
comment on column raw.slot.pages_requested is 'Number of pages that runs requested for the slot; null for a source that is not requested as single pages, and where unknown.';
comment on column raw.slot.pages_usable is 'Number of pages requested for the slot that were received, changed or not; null where pages_requested is null.';
comment on column raw.slot.is_complete is 'True where the source gave all pages or articles that the run requested and the site has; null where unknown.';

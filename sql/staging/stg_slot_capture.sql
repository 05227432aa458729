/*
description: >-
  One row per capture of a scheduled run, with the slot that the capture belongs to, which may be a later one than the
  slot of the run. Excluded captures are here; captures of an ingest or a backfill are not.
grain: [capture_id]
# read by three models
materialized: table
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  schedule: Schedule that expected the slot, such as daily.
  slot: Scheduled instant, UTC.
  capture_id: WARC record id of the capture.
*/
-- a late run may end after several slots began: the latest of these slots has the captures after the end
with slots as (
    select source, schedule, captures_from, max(slot) as slot
    from staging.stg_slot
    group by source, schedule, captures_from
),

-- pages fetched long after their slot show the later time, so they belong to the last slot before they were fetched
slot_captures as (
    select
        archive_file.source,
        archive_file.schedule,
        greatest(archive_file.slot, capture.captured_at) as captured_at,
        capture.capture_id
    from raw.capture as capture
    inner join raw.archive_file as archive_file on archive_file.archive_file = capture.archive_file
    where archive_file.slot is not null
)

select
    slots.source,
    slots.schedule,
    slots.slot,
    slot_captures.capture_id
from slot_captures
asof join slots
    on slots.source = slot_captures.source
    and slots.schedule = slot_captures.schedule
    and slots.captures_from <= slot_captures.captured_at

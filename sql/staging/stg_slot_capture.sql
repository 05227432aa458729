/*
description: >-
  One row per capture with the slot that it belongs to. One of a scheduled run may belong to a later slot than that of
  the run; one of an ingest or a backfill belongs to its day. Excluded captures are here; those that a backfill has of a
  source that never prints the ticker are not.
grain: [capture_id]
# read by four models
materialized: table
columns:
  source: Source to be captured in the slot, a key of main.dim_source.
  schedule: Schedule that expected the slot, such as daily; backfill for an ingest or a backfill.
  slot: Scheduled instant, UTC; of an ingest or a backfill the start of the day that the capture shows.
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
),

backfill_captures as (
    select capture.source, 'backfill' as schedule, capture.observed_date::timestamptz as slot, capture.capture_id
    from raw.capture as capture
    inner join raw.archive_file as archive_file on archive_file.archive_file = capture.archive_file
    inner join main.dim_source as origin on origin.source = capture.source
    where archive_file.slot is null
    and origin.rate_precedence is not null
    and capture.observed_date is not null
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
union all
from backfill_captures

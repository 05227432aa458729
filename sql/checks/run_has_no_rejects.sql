/*
description: >-
  A part of a capture that this run loaded and that gave no row. An unavailable source of articles, a deleted article,
  or a day on which a bank published no rate, is a fact and not a warning.
severity: warning
alerts: false
counted_by: reason
model: main.etl_reject
*/
select reject.capture_id, reject.position, reject.reason, reject.detail
from main.etl_reject as reject
left join raw.capture as capture on capture.capture_id = reject.capture_id
where reject.reason not in ('excluded', 'no_publication')
and reject.run_id = coalesce(getvariable('run_id'), reject.run_id)
-- the reject of an unreadable archive record has no capture
and coalesce(capture.response_class, 'error') not in ('deleted', 'unavailable')

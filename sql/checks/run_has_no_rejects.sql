/*
description: >-
  What this run loaded and could not turn into rows. That a source of articles is closed, or that an article which a
  sweep looked for is gone, is an answer and no reject to look at.
severity: warning
counted_by: reason
model: main.etl_reject
*/
select reject.capture_id, reject.position, reject.reason, reject.detail
from main.etl_reject as reject
left join raw.capture as capture on capture.capture_id = reject.capture_id
where reject.reason <> 'excluded'
and reject.run_id = coalesce(getvariable('run_id'), reject.run_id)
and not case capture.source
    when 'timesca-articles' then coalesce(capture.http_status in (404, 410), false)
    when 'timesca-posts' then coalesce(capture.http_status in (400, 401, 403, 404, 405, 406, 410, 451), false)
    when 'timesca-feed' then coalesce(capture.http_status in (400, 401, 403, 404, 405, 406, 410, 451), false)
    else false
end

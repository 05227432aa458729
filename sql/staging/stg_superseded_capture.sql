/*
description: >-
  One row per capture of a text that a web archive made of a page (WET), where another capture has the page itself, at
  the same URL and time. The text has no structure, so that the page alone counts.
grain: [capture_id]
columns:
  capture_id: WARC record id of the capture.
*/
select distinct text.capture_id
from raw.capture as text
inner join raw.capture as page using (url, captured_at)
where
    text.source_kind = 'wet'
    and page.source_kind <> 'wet'
    and page.response_class in ('page', 'unchanged')

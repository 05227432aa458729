/*
description: >-
  Places where an article stands without a link under a title that different articles bear, as is known of a title that
  one page shows twice with texts of different leads, of which neither is the beginning of the other. Two leads of one
  page are two articles; a lead that another page shows is the first article that it was never seen beside, so that an
  edited lead makes no article of its own. Titles that no page shows so are not here.
grain: [capture_id, position]
# it is read several times
materialized: table
columns:
  capture_id: The capture.
  position: The place on the page.
  lead: The first 60 letters, figures and blanks of the text.
  number: Counts the articles of that title from 0, the one seen first; of two first seen on one page, from the lowest.
  mark: First 8 hex digits of the SHA-256 of the lead that the article was first seen with; tells it from the others.
*/
-- few titles stand twice on a page, and only their texts are read
with recursive twice as (
    select title
    from raw.article_observation
    where url is null and post_id is null and text_id is not null and trim(title) <> ''
    group by capture_id, title
    having min(text_id) <> max(text_id)
),

shown as materialized (
    select
        observation.title,
        observation.capture_id,
        observation.position,
        capture.capture_order,
        rtrim(lead_of(texts.text)) as lead
    from raw.article_observation as observation
    inner join raw.article_text as texts on texts.text_id = observation.text_id
    inner join staging.stg_capture as capture on capture.capture_id = observation.capture_id
    where observation.title in (from twice)
    and observation.url is null
    and observation.post_id is null
),

leads as materialized (
    -- listings show the newest first
    select title, lead, min((capture_order, -position)) as first_place
    from shown
    group by title, lead
),

-- a text that is cut early is the one that goes on from there
longest as materialized (
    select leads.title, leads.lead, arg_max(other.lead, (length(other.lead), other.lead)) as whole_lead
    from leads
    inner join leads as other on other.title = leads.title and starts_with(other.lead, leads.lead)
    group by all
),

beside as materialized (
    select distinct own.title, own.whole_lead, theirs.whole_lead as other_lead
    from shown as one
    inner join shown as other
        on other.capture_id = one.capture_id
        and other.title = one.title
        and not starts_with(other.lead, one.lead)
        and not starts_with(one.lead, other.lead)
    inner join longest as own on own.title = one.title and own.lead = one.lead
    inner join longest as theirs on theirs.title = other.title and theirs.lead = other.lead
    where own.whole_lead <> theirs.whole_lead
),

numbered as materialized (
    select leads.title, leads.lead, row_number() over (partition by leads.title order by leads.first_place) as turn
    from leads
    where (leads.title, leads.lead) in (select (title, whole_lead) from beside)
),

followers as materialized (
    select numbered.title, numbered.turn, coalesce(list(earlier.turn) filter (where earlier.turn is not null), [])
        as others
    from numbered
    left join beside on beside.title = numbered.title and beside.whole_lead = numbered.lead
    left join numbered as earlier
        on earlier.title = beside.title
        and earlier.lead = beside.other_lead
        and earlier.turn < numbered.turn
    group by numbered.title, numbered.turn
),

-- one lead after the other takes the first article that none of the earlier ones beside it has
told(title, turn, article, articles) as (
    select title, turn, 0::bigint, [0::bigint] from followers where turn = 1
    union all
    select title, turn, article, list_append(articles, article)
    from (
        select followers.title, followers.turn, told.articles, min(free.article) as article
        from told
        inner join followers on followers.title = told.title and followers.turn = told.turn + 1
        cross join unnest(range(list_max(told.articles) + 2)) as free(article)
        where not list_contains(list_select(told.articles, followers.others), free.article)
        group by all
    )
),

articles as (
    select
        told.title,
        numbered.lead,
        told.article,
        first_value(numbered.lead) over (partition by told.title, told.article order by told.turn) as first_lead
    from told
    inner join numbered on numbered.title = told.title and numbered.turn = told.turn
)

select
    shown.capture_id,
    shown.position,
    shown.lead,
    coalesce(articles.article, 0)::integer as number,
    left(sha256(coalesce(articles.first_lead, first.first_lead)), 8) as mark
from shown
inner join longest on longest.title = shown.title and longest.lead = shown.lead
-- a lead that was never seen beside another tells nothing: it is the first article, edited
inner join articles as first on first.title = shown.title and first.article = 0 and first.lead = first.first_lead
left join articles on articles.title = shown.title and articles.lead = longest.whole_lead

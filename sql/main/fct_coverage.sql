/*
description: >-
  One row per expected slot of a schedule and source, from the first run to the run that made this release - what
  became of it, and why; what the site says it has against what was archived, parsed and loaded. A slot that nobody ran
  stands here as missed; no rate is invented for it. A source of articles (timesca-posts, timesca-feed,
  timesca-articles) has a row where it was asked - the next one is asked only where the one before was closed or told
  less than whole texts - and none for a slot that passed, since the next run asks for what is new since the last one.
grain: [source, schedule, slot]
columns:
  source: What was to be captured, as in main.dim_source.
  schedule: The schedule that expected it, such as daily.
  slot: The scheduled instant.
  day: Its calendar day in the zone of the schedule.
  outcome: >-
    observed - pages with rates, or articles, were fetched; unchanged - the site said that the pages are those known
    already, or that no article is new; closed - the site does not offer this source to us, which is no failure;
    blocked - it refused; failed - nothing that counts was got; missed - no run began before the next slot.
  reason: Why, in words; null where the outcome says it all.
  runs: How many runs tried it, 0 for a missed slot.
  captures: How many captures of the slot are loaded, refusals and errors too.
  captures_with_rates: How many of them printed rates that count - a capture that was excluded does not.
  articles_expected: >-
    Articles that the site counts itself - in the listings' line on results, or in X-WP-Total of the posts that were
    asked for. What a page without such a count shows is taken for expected. Null where the site counted nothing.
  articles_archived: Articles in the answers - of the posts API and the feed each once, of pages each place.
  articles_parsed: Those of which the parser made a row with a title.
  articles_loaded: Those among them that stand in main.fct_article_sighting.
  gap_reason: Why fewer were loaded than expected; null where none are missing.
  run_id: The run that says so.
sort: [source, schedule, slot]
checks:
  - not_null:
      - day
      - outcome
      - runs
      - captures
      - captures_with_rates
      - articles_archived
      - articles_parsed
      - articles_loaded
      - run_id
  - references: {source: main.dim_source.source}
  - accepted: {outcome: [observed, unchanged, closed, blocked, failed, missed]}
  - name: a_slot_is_observed_where_rates_are
    sql: >-
      select source, schedule, slot, outcome, captures_with_rates from main.fct_coverage
      where source = 'timesca' and (outcome in ('observed', 'unchanged')) <> (captures_with_rates > 0)
  - name: articles_are_observed_where_answers_are
    sql: >-
      select source, schedule, slot, outcome, captures from main.fct_coverage
      where source <> 'timesca' and outcome in ('observed', 'unchanged') and captures = 0
  - name: no_missed_slot_was_run
    sql: select source, schedule, slot, runs from main.fct_coverage where (outcome = 'missed') <> (runs = 0)
  - name: every_gap_has_a_reason
    sql: >-
      select source, schedule, slot, articles_expected, articles_loaded, gap_reason from main.fct_coverage
      where (coalesce(articles_expected, articles_archived) > articles_loaded) <> (gap_reason is not null)
*/
with told as (
    select
        source,
        schedule,
        slot,
        day,
        outcome,
        reason,
        run_id,
        -- the archive files of a slot are named by its instant and by this
        if(schedule = 'daily', source, source || '-' || schedule) as stem,
        count(*) filter (where outcome <> 'missed') over of_slot as runs,
        -- a run of the slot before may have gone on into this one; what it got is its own slot's
        greatest(slot, max(if(outcome = 'missed', null, finished_at)) over before_slot) as since
    from raw.slot
    left join (select run_id, finished_at from raw.run) using (run_id)
    window
        of_slot as (partition by source, schedule, slot),
        before_slot as (
            partition by source, schedule order by slot groups between unbounded preceding and 1 preceding
        )
    qualify row_number() over (
        of_slot
        order by
            list_position(['observed', 'unchanged', 'closed', 'blocked', 'failed'], outcome) nulls last, run_id desc
    ) = 1
),

files as (
    select
        archive_file,
        regexp_extract(archive_file, '/[0-9]{8}T[0-9]{6}Z-([^./]+)[.]', 1) as stem,
        try_cast(
            regexp_replace(
                archive_file,
                '^.*/([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z-.*$',
                '\1-\2-\3 \4:\5:\6+00'
            ) as timestamptz
        ) as slot
    from (select distinct archive_file from raw.capture)
),

-- which slot a capture was made for
made as materialized (
    select
        told.source,
        told.schedule,
        told.slot,
        capture.*
    from (
        select
            capture.capture_id,
            capture.refers_to,
            capture.page_kind,
            capture.http_status,
            -- an answer of the posts API is one page of a question that goes over many
            regexp_replace(capture.url, '&offset=[0-9]+', '') as question,
            capture.captured_at,
            capture.shown_total,
            -- the site prints the second number past the third
            if(
                capture.shown_from is null, null,
                greatest(least(capture.shown_to, capture.shown_total) - capture.shown_from + 1, 0)
            ) as promised,
            capture.articles_parsed,
            capture.page_kind in ('posts_api', 'feed') as is_for_machines,
            files.stem,
            -- of a slot that was asked for again, or long after it, the pages are those of the later time
            greatest(files.slot, capture.captured_at) as shown_at
        from raw.capture as capture
        inner join files using (archive_file)
    ) as capture
    asof join told on capture.stem = told.stem and capture.shown_at >= told.since
),

captured as (
    select
        source,
        schedule,
        slot,
        count(*)::integer as captures,
        count(rates.capture_id)::integer as captures_with_rates,
        count(rates.capture_id) filter (where refers_to is null) as fetched_with_rates,
        -- that an article is no more is what a sweep asks for, too
        count(counted.capture_id) filter (
            where page_kind in ('posts_api', 'feed', 'article')
            or (http_status in (404, 410) and source = 'timesca-articles')
        ) as answers,
        count(promised) as pages_with_line,
        coalesce(sum(greatest(promised - articles_parsed, 0)), 0)::integer as fewer_than_promised
    from made
    left join (select distinct capture_id from main.fct_rate_observation) as rates using (capture_id)
    left join (select capture_id from staging.stg_capture) as counted using (capture_id)
    group by all
),

shown as (
    select
        made.source,
        made.schedule,
        made.slot,
        made.question,
        case
            when made.is_for_machines then coalesce(observation.post_id::varchar, observation.url, observation.title)
            else observation.capture_id || ' ' || observation.position
        end as item,
        coalesce(trim(observation.title), '') <> '' as has_title,
        sighting.capture_id is not null as is_loaded,
        observation.post_id,
        observation.published_at,
        observation.modified_at
    from made
    inner join raw.article_observation as observation on observation.capture_id = made.capture_id
    left join main.fct_article_sighting as sighting
        on sighting.capture_id = observation.capture_id
        and sighting.position = observation.position
),

refused as (
    select
        made.source,
        made.schedule,
        made.slot,
        count(distinct (made.question, reject.excerpt))::integer as items,
        string_agg(distinct reject.reason, ', ' order by reject.reason) as reasons
    from made
    inner join raw.reject as reject using (capture_id)
    where is_for_machines
    and reject.reason in ('bad_json', 'bad_xml', 'too_large')
    group by all
),

counted as (
    select
        source,
        schedule,
        slot,
        count(*)::integer as archived,
        count(*) filter (where has_title)::integer as parsed,
        count(*) filter (where is_loaded)::integer as loaded
    from (
        select source, schedule, slot, item, bool_or(has_title) as has_title, bool_or(is_loaded) as is_loaded
        from shown
        group by all
    )
    group by all
),

questions as (
    select
        source,
        schedule,
        slot,
        question,
        arg_max(shown_total, captured_at) as total,
        try_cast(regexp_extract(question, '[?&]after=([^&]+)', 1) as timestamptz) as published_after,
        try_cast(regexp_extract(question, '[?&]before=([^&]+)', 1) as timestamptz) as published_before,
        try_cast(regexp_extract(question, '[?&]modified_after=([^&]+)', 1) as timestamptz) as modified_after
    from made
    where page_kind = 'posts_api' and shown_total is not null
    group by all
),

-- the widest question tells: what is new is asked for by its publication and by its change. A post that was changed
-- while its question was under way may be shown to the next one alone, and is counted by both
totals as (
    select
        source,
        schedule,
        slot,
        max(greatest(total - seen - coalesce(unread, 0), 0))::integer as hidden
    from (
        select
            asked.source,
            asked.schedule,
            asked.slot,
            asked.question,
            asked.total,
            count(distinct shown.post_id) as seen
        from questions as asked
        left join shown
            on shown.source = asked.source
            and shown.schedule = asked.schedule
            and shown.slot = asked.slot
            and (
                shown.question = asked.question
                or (
                    (asked.published_after is null or shown.published_at > asked.published_after)
                    and (asked.published_before is null or shown.published_at < asked.published_before)
                    and (asked.modified_after is null or shown.modified_at > asked.modified_after)
                )
            )
        group by all
    )
    left join (
        select source, schedule, slot, question, count(distinct excerpt) as unread
        from made
        inner join raw.reject as reject using (capture_id)
        where page_kind = 'posts_api'
        and reject.reason in ('bad_json', 'too_large')
        group by all
    ) using (source, schedule, slot, question)
    group by all
),

reckoned as (
    select
        told.*,
        coalesce(captures, 0) as captures,
        coalesce(captures_with_rates, 0) as captures_with_rates,
        coalesce(fetched_with_rates, 0) as fetched_with_rates,
        coalesce(answers, 0) as answers,
        coalesce(archived, 0) + coalesce(refused.items, 0) as archived,
        coalesce(parsed, 0) as parsed,
        coalesce(loaded, 0) as loaded,
        coalesce(hidden, 0) as hidden,
        coalesce(fewer_than_promised, 0) as fewer_than_promised,
        totals.slot is not null or coalesce(pages_with_line, 0) > 0 as is_counted,
        coalesce(refused.items, 0) as refused_items,
        refused.reasons as refused_for
    from told
    left join captured using (source, schedule, slot)
    left join counted using (source, schedule, slot)
    left join refused using (source, schedule, slot)
    left join totals using (source, schedule, slot)
)

select
    source,
    schedule,
    slot,
    day,
    case
        when source <> 'timesca' and outcome in ('observed', 'unchanged') and answers = 0 then 'failed'
        when source <> 'timesca' then outcome
        when fetched_with_rates > 0 then 'observed'
        when captures_with_rates > 0 then 'unchanged'
        when outcome in ('observed', 'unchanged') then 'failed'
        else outcome
    end as outcome,
    case
        when source <> 'timesca' and outcome in ('observed', 'unchanged') and answers = 0
            then 'no answer of the slot counts'
        when source <> 'timesca' then reason
        when (captures_with_rates > 0) = (outcome in ('observed', 'unchanged')) then reason
        when captures_with_rates > 0 then 'archived by a run that failed, loaded by a later one'
        else 'no capture of the slot has rates that count'
    end as reason,
    greatest(runs, if(captures_with_rates > 0, 1, 0))::integer as runs,
    captures,
    captures_with_rates,
    if(is_counted, archived + hidden + fewer_than_promised, null)::integer as articles_expected,
    archived::integer as articles_archived,
    parsed as articles_parsed,
    loaded as articles_loaded,
    nullif(
        concat_ws(
            '; ',
            if(hidden > 0, hidden || ' counted by the site and not shown', null),
            if(fewer_than_promised > 0, fewer_than_promised || ' fewer on the pages than they say', null),
            if(refused_items > 0, refused_items || ' not understood (' || refused_for || ')', null),
            if(archived - refused_items > parsed, archived - refused_items - parsed || ' without a title', null),
            if(parsed > loaded, parsed - loaded || ' on captures that were excluded or have no day', null)
        ),
        ''
    ) as gap_reason,
    run_id
from reckoned

"""WordPress behind caches, firewalls and old versions: the rates are published, and the slots record what happened.

The demo site responds; a twist changes the request, or its response.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ca_etl.archive.policy import Verdict
from ca_etl.demo.handlers import Response
from ca_etl.demo.site import DemoSite, LoggedRequest
from ca_etl.pipeline.backfill import read_complete_months
from ca_etl.pipeline.clock import clock_from
from ca_etl.pipeline.context import Environment
from ca_etl.pipeline.outcome import Outcome
from ca_etl.pipeline.run import run_backfill, run_daily
from ca_etl.settings import Settings
from ca_etl.sources.schedules import SWEEP
from ca_etl.sources.source import DateRange
from ca_etl.warehouse import journal

pytestmark = pytest.mark.slow

Query = Callable[..., list[tuple[Any, ...]]]
Twist = Callable[[str, Callable[[str], Response]], Response | None]
API = "/wp-json/wp/v2/posts"
FIRST = date(2025, 12, 20)


class TwistedSite(DemoSite):
    """The demo site, whose response to a target is the twist's, where that has one."""

    twist: Twist | None = None

    def respond(self, method: str, target: str, headers: Any) -> Response:
        plain = {name: value for name, value in headers.items() if name != "accept-encoding"}
        own = super().respond

        def request(other: str) -> Response:
            response = own(method, other, plain)
            self.requests.pop()
            return response

        twisted = self.twist(target, request) if self.twist else None
        if twisted is None:
            return own(method, target, headers)
        self.requests.append(LoggedRequest(method, target, headers, time.monotonic(), self.day))
        return twisted


@pytest.fixture
def site() -> Iterator[TwistedSite]:
    with TwistedSite(port=0) as site:
        yield site


@pytest.fixture
def run(settings: Settings, site: TwistedSite, query: Query) -> Callable[..., Outcome]:
    """A run on the n-th day. Whatever the site responds about its articles, it publishes its rates."""

    def run_on(nth: int = 0, on: str = "daily", **environment: Any) -> Outcome:
        day = FIRST + timedelta(days=nth)
        site.play(day)
        at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + timedelta(hours=3 if on == SWEEP else 0)
        there = settings.model_copy(update={"site_url": site.base_url, **environment.pop("changes", {})})
        outcome = run_daily(
            there, slot=at, on=on, environment=Environment(clock=clock_from(at), **environment)
        )
        assert (outcome.exit_status, outcome.error) == (0, "")
        assert [check.check_name for check in outcome.fired if check.severity == "error"] == []
        assert query("select count(*) >= 20 from fct_rate_observation") == [(True,)]
        return outcome

    return run_on


@pytest.fixture
def outcomes(query: Query) -> Callable[[], dict[str, tuple[str, str | None]]]:
    """Outcome and reason of every source in the latest slot."""

    def read() -> dict[str, tuple[str, str | None]]:
        rows = query(
            "select source, outcome, reason from fct_coverage where source <> 'timesca'"
            " and slot = (select max(slot) from fct_coverage)"
        )
        return {source: (outcome, reason) for source, outcome, reason in rows}

    return read


def at(prefix: str, twist: Twist) -> Twist:
    return lambda target, request: twist(target, request) if target.startswith(prefix) else None


def first_of(*twists: Twist) -> Twist:
    def first(target: str, request: Callable[[str], Response]) -> Response | None:
        responses = (twist(target, request) for twist in twists)
        return next((response for response in responses if response is not None), None)

    return first


def without(*names: str) -> Twist:
    """The API, which ignores those parameters."""
    named = "|".join(names)
    return at(API, lambda target, request: request(re.sub(rf"(?<=[?&])(?:{named})=[^&]*&?", "", target)))


def json_response(body: object, status: int = 200, **headers: str) -> Response:
    kind = {"Content-Type": "application/json; charset=UTF-8"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, kind | named, body if isinstance(body, bytes) else json.dumps(body).encode())


def page(body: bytes, status: int = 200, **headers: str) -> Response:
    return Response(status, {"Content-Type": "text/html; charset=UTF-8", **headers}, body)


UNAVAILABLE_API = at(
    API, lambda _target, _request: json_response({"code": "rest_no_route", "message": "No."}, 404)
)
UNAVAILABLE_FEED = at("/feed/", lambda _target, _request: page(b"<html>no</html>", 404))


def of_articles(response: Response) -> Twist:
    """That response for every page that is not a list."""
    lists = re.compile(r"/(?:$|latest/|category/|page/|feed/|wp-json/|robots\.txt)")
    return lambda target, _request: None if lists.match(target) else response


def request_count(site: DemoSite, prefix: str) -> int:
    return sum(request.path.startswith(prefix) for request in site.requests)


def test_a_cache_that_ignores_the_query_leads_to_the_feed(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    site.twist = without("order", "orderby", "offset", "per_page", "after", "before", "modified_after")
    run()
    assert request_count(site, API) == 4
    assert outcomes() == {
        "timesca-posts": ("closed", "the page at 15 repeats the pages before it"),
        "timesca-feed": ("observed", None),
    }


def test_an_old_wordpress_gives_what_is_new_in_two_requests_a_day(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    site.twist = without("modified_after")
    run()
    assert request_count(site, API) == 2
    why = "something may be missing: it ignores modified_after: changes of older posts are unknown"
    assert outcomes() == {"timesca-posts": ("observed", why)}


@pytest.mark.parametrize("total", ["0", "9" * 5000, None])
def test_a_count_that_cannot_be_true_loses_no_post(
    run: Callable[..., Outcome],
    site: TwistedSite,
    query: Query,
    outcomes: Callable[[], Any],
    total: str | None,
) -> None:
    def counted(target: str, request: Callable[[str], Response]) -> Response:
        response = request(target)
        kept = {name: value for name, value in response.headers.items() if not name.startswith("X-WP")}
        return replace(response, headers=kept if total is None else kept | {"X-WP-Total": total})

    site.twist = at(API, counted)
    run()
    assert outcomes() == {"timesca-posts": ("observed", None)}
    assert query("select count(*) from fct_article where post_id is not null") == [(45,)]


@pytest.mark.parametrize("body", [{}, None, [{"id": "12"}]])
def test_json_without_a_post_does_not_mean_that_nothing_is_new(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any], body: object
) -> None:
    site.twist = at(API, lambda _target, _request: json_response(body, X_WP_Total="1"))
    run()
    outcome, reason = outcomes()["timesca-posts"]
    assert outcome == "closed"
    assert reason.startswith("no post can be read: ")
    assert outcomes()["timesca-feed"][0] == "observed"


def test_a_truncated_response_is_a_failure_and_the_feed_is_requested(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    site.twist = at(API, lambda _target, _request: json_response(b"[" + b" " * 200_000 + b"]"))
    run(changes={"max_wire_bytes": 150_000})
    assert outcomes()["timesca-posts"] == ("failed", "oversize: more than 150000 bytes sent")
    assert outcomes()["timesca-feed"][0] == "observed"


def test_an_api_that_moved_to_another_host_is_not_followed(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    site.twist = at(
        API, lambda _target, _request: Response(301, {"Location": "https://other.example/wp-json/"})
    )
    run()
    outcome, reason = outcomes()["timesca-posts"]
    assert (outcome, reason.partition(",")[0]) == (
        "failed",
        "offsite: 301 Moved Permanently leads to https://other.example/wp-json/",
    )


def test_unusual_posts_are_kept_or_rejected_one_by_one(
    run: Callable[..., Outcome], site: TwistedSite, query: Query
) -> None:
    changes = [
        {"title": None},
        {"date_gmt": "0000-00-00T00:00:00", "modified_gmt": "0000-00-00T00:00:00"},
        {"date_gmt": "9999-12-31T23:59:59"},
        {"link": "https://other.example/a-road/"},
        {"link": "http://[bad/"},
        {"slug": "%d0%b4%d0%be%d1%80%d0%be%d0%b3%d0%b0"},
        {"content": {"rendered": "<p>" + "word " * 300_000 + "</p>"}},
        {"title": {"rendered": "A Road"}, "slug": "\ud800\x00", "content": [], "_embedded": "x"},
        {"id": "12"},
    ]

    def twisted(target: str, request: Callable[[str], Response]) -> Response:
        response = request(target)
        posts = json.loads(response.body)
        changed = [post | change for post, change in zip(posts, changes, strict=False)]
        return replace(response, body=json.dumps([*changed, *posts[len(changes) :]]).encode())

    site.twist = at(API, twisted)
    run()
    assert query(
        "select articles_expected, articles_archived, articles_parsed, articles_loaded, gap_reason"
        " from fct_coverage where source = 'timesca-posts'"
    ) == [(46, 46, 43, 43, "2 not understood (bad_json); 1 without a title")]


def test_a_feed_without_an_item_does_not_mean_that_nothing_is_new(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    empty = Response(200, {"Content-Type": "application/rss+xml"}, b'<rss version="2.0"><channel/></rss>')
    site.twist = first_of(UNAVAILABLE_API, at("/feed/", lambda _target, _request: empty))
    run()
    assert outcomes()["timesca-feed"] == ("closed", "it has no item")
    assert outcomes()["timesca-articles"][0] == "observed"


@pytest.mark.parametrize(
    "response",
    [page(b"<html>ill</html>", 500), Response(302, {"Location": "/"})],
    ids=["500", "to the home page"],
)
def test_pages_that_give_no_article_are_left_after_three(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any], response: Response
) -> None:
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED, of_articles(response))
    outcome = run(changes={"max_attempts": 1})
    assert outcomes()["timesca-articles"] == ("failed", "none of 3 pages gave an article")
    assert any(warning.startswith("timesca-articles: failed") for warning in outcome.warnings)


def test_error_pages_under_status_200_neither_become_articles_nor_remove_them(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any], query: Query
) -> None:
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED)
    run()
    lost = page(
        b'<body class="error404"><h1>Oops! Not found.</h1><p>It looks like nothing was found here.</p>'
    )
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED, of_articles(lost))
    run(1)
    assert outcomes()["timesca-articles"] == ("failed", "none of 3 pages gave an article")
    run(1, on=SWEEP)
    assert query("select count(*), sum(revisions) from fct_article where title like 'Oops%'") == [(0, None)]
    assert query("select sum(revisions), count(removal) from fct_article") == [(0, 0)]
    rejects = "select distinct reason from etl_reject where source = 'timesca-articles' and detail like '%error page'"
    assert query(rejects) == [("no_articles",)]


def test_one_page_instead_of_every_article_is_not_any_of_them(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any], query: Query
) -> None:
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED)
    run()
    wall = page(
        b'<body class="single-post"><h1>Subscribe to read</h1><p>This content is for subscribers of ours.</p>'
    )
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED, of_articles(wall))
    run(1, changes={"article_pages": 5})
    failed = ("failed", "none of 5 pages gave an article; 5 pages show the same article")
    assert outcomes()["timesca-articles"] == failed
    run(1, on=SWEEP)
    assert query("select count(*) from fct_article where title like 'Subscribe%'") == [(0,)]
    assert query("select sum(revisions), count(removal) from fct_article") == [(0, 0)]
    assert query("select distinct reason, detail from etl_reject where excerpt like 'Subscribe%'") == [
        ("no_articles", "5 pages say the same")
    ]


def test_a_bot_check_instead_of_an_article_is_a_refusal(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    check = page(b"<html><head><title>Just a moment...</title></head></html>", 403)
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED, of_articles(check))
    run()
    assert outcomes()["timesca-articles"][0] == "blocked"


def test_a_site_that_wants_a_long_pause_gets_no_request_and_its_slot_is_blocked(
    settings: Settings, site: TwistedSite
) -> None:
    busy = page(b"slow down", 429, **{"Retry-After": "999999"})
    site.twist = at("/latest/", lambda _target, _request: busy)
    there = settings.model_copy(
        update={"site_url": site.base_url, "listing_paths": ("/latest/", "/", "/latest/")}
    )
    outcome = run_daily(there)
    assert [request.path for request in site.requests] == ["/robots.txt", "/latest/"]
    assert outcome.captured is not None
    assert [listing.verdict for listing in outcome.captured.pages] == [Verdict.THROTTLED] * 3
    assert outcome.captured.pages[0].detail.startswith("429 ")
    assert outcome.slots == ()
    assert (outcome.exit_status, journal.read(there.data_dir)[-1].slots[-1].outcome) == (1, "blocked")


def test_a_site_that_wants_a_long_pause_in_the_middle_gives_what_it_gave_before(
    settings: Settings, site: TwistedSite, outcomes: Callable[[], Any], query: Query
) -> None:
    site.twist = at("/latest/", lambda _target, _request: page(b"", 503, **{"Retry-After": "999999"}))
    outcome = run_daily(settings.model_copy(update={"site_url": site.base_url}))
    assert outcome.captured is not None
    assert [listing.verdict for listing in outcome.captured.pages] == [Verdict.OK, *[Verdict.THROTTLED] * 3]
    assert request_count(site, API) + request_count(site, "/feed/") == 0
    assert outcomes() == {
        "timesca-posts": ("blocked", f"not requested: {site.base_url}latest/ was throttled")
    }
    slot = "select outcome, reason from fct_coverage where source = 'timesca'"
    assert query(slot) == [("observed", "1 of 4 pages; 3 throttled")]


def test_links_to_other_hosts_are_reported_and_not_followed(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    def linked(target: str, request: Callable[[str], Response]) -> Response | None:
        if not re.match(r"/(?:$|latest/|category/)", target):
            return None
        response = request(target)
        links = re.compile(rb'(<h[1-6][^>]*>\s*<a [^>]*href=")(?:http://[^/"]*)?/')
        return replace(response, body=links.sub(rb"\1https://other.example/", response.body))

    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED, linked)
    run()
    outcome, reason = outcomes()["timesca-articles"]
    assert (outcome, reason.partition(" ")[2]) == ("closed", "links lead to other hosts")


def test_what_robots_txt_forbids_is_blocked_and_not_requested(
    run: Callable[..., Outcome], site: TwistedSite, outcomes: Callable[[], Any]
) -> None:
    rules = Response(
        200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /wp-json/\nDisallow: /feed/\n"
    )
    site.twist = at("/robots.txt", lambda _target, _request: rules)
    run()
    assert request_count(site, "/wp-json/") + request_count(site, "/feed/") == 0
    for source in ("timesca-posts", "timesca-feed"):
        outcome, reason = outcomes()[source]
        assert (outcome, reason.startswith("disallowed: robots.txt disallows")) == ("blocked", True)


@pytest.mark.parametrize(
    "twist",
    [at(API, lambda _target, _request: json_response([], X_WP_Total="0")), without("offset")],
    ids=["lists nothing", "lists the first page for ever"],
)
def test_a_sweep_does_not_trust_a_list_that_lacks_most_posts(
    run: Callable[..., Outcome], site: TwistedSite, query: Query, twist: Twist
) -> None:
    run()
    site.twist = twist
    before = len(site.requests)
    run(on=SWEEP)
    requested = [r.path for r in site.requests[before:] if not re.search(r"/page/|/wp-json/|robots", r.path)]
    assert requested == []
    assert query("select count(*) from fct_article_removal") == [(0,)]
    assert (
        "missing"
        in query("select reason from fct_coverage where schedule = 'sweep' and source <> 'timesca'")[0][0]
    )


def test_a_purge_is_trusted_once_the_operator_confirms_it(
    run: Callable[..., Outcome], site: TwistedSite, query: Query
) -> None:
    swept = "select outcome, reason from fct_coverage where schedule = 'sweep' and source = 'timesca-posts'"
    run()
    for post_id in sorted(site.posts.snapshot(FIRST).by_id)[-15:]:
        site.posts.delete(post_id)
    run(on=SWEEP)
    reason = (
        "15 of {} known posts are missing from the list, too many to believe it; "
        "if they were deleted: CA_ETL_SWEEP_MOST_MISSING={} ca-etl run --schedule sweep"
    )
    assert query(swept) == [("failed", reason.format(45, 34))]
    # the list that was not believed has shown ninety posts that the first run did not know
    run(on=SWEEP, changes={"sweep_most_missing": 11})
    assert query(swept) == [("failed", reason.format(135, 12))]
    assert query("select count(*) from fct_article where removal = 'gone'") == [(0,)]
    run(on=SWEEP, changes={"sweep_most_missing": 12})
    assert query(swept) == [("observed", None)]
    assert query("select count(*) from fct_article where removal = 'gone'") == [(15,)]


def test_a_lost_post_whose_address_leads_to_another_article_removes_nothing(
    run: Callable[..., Outcome], site: TwistedSite, query: Query
) -> None:
    run()
    lost, other = sorted(site.posts.snapshot(FIRST).by_id)[-2:]
    leads = Response(301, {"Location": f"/{site.posts.get(other).slug}/"})
    site.twist = at(f"/{site.posts.get(lost).slug}/", lambda _target, _request: leads)
    site.posts.delete(lost)
    run(on=SWEEP)
    assert query("select count(*) from fct_article_removal") == [(0,)]


def test_articles_that_were_missing_for_an_hour_return_with_the_next_sweep(
    run: Callable[..., Outcome], site: TwistedSite, query: Query
) -> None:
    run()
    hidden = sorted(site.posts.snapshot(FIRST).by_id)[-3:]

    def listed(target: str, request: Callable[[str], Response]) -> Response:
        response = request(target)
        kept = [post for post in json.loads(response.body) if post["id"] not in hidden]
        return replace(response, body=json.dumps(kept).encode())

    site.twist = first_of(at(API, listed), of_articles(page(b"<html>gone</html>", 404)))
    run(on=SWEEP)
    assert query("select count(*) from fct_article where removal = 'gone'") == [(3,)]
    site.twist = None
    run(7, on=SWEEP)
    assert query("select count(*) from fct_article where removal is not null") == [(0,)]
    assert query("select count(*) from fct_article_removal where returned_at is not null") == [(3,)]


def test_the_pause_is_kept_between_all_pages_and_robots_txt_is_read_once(
    run: Callable[..., Outcome], site: TwistedSite
) -> None:
    site.twist = first_of(UNAVAILABLE_API, UNAVAILABLE_FEED)
    pauses: list[float] = []
    run(changes={"min_interval_seconds": 5.0}, sleep=pauses.append)
    assert request_count(site, "/robots.txt") == 1
    assert len(pauses) == len(site.requests) - 1
    assert min(pauses) > 4


def test_a_month_of_which_something_may_be_missing_is_requested_again(
    settings: Settings, site: TwistedSite
) -> None:
    site.twist = at(
        API,
        lambda target, request: replace(
            request(target), headers={"X-WP-Total": "90000", **json_response([]).headers}
        ),
    )
    there = settings.model_copy(update={"site_url": site.base_url})
    assert run_backfill(there, DateRange(date(2025, 10, 1), date(2025, 10, 31))).exit_status == 0
    assert read_complete_months(there.data_dir, "posts") == ()
    assert request_count(site, API) < 60

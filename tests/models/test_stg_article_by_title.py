# ruff: noqa: RUF001  titles as the site sets them
"""What is shown without a link is the linked article with its title, as far as title and lead decide."""

import hashlib
from datetime import date

import pytest

MARCH = "In March the river rose by a metre, and the town that lies on it was cut off for days on end."
APRIL = "In April the river fell again, and the town that lies on it could be reached by road once more."
TEXTS = {
    "march": MARCH,
    "march_cut": "In March the river rose by a metre, and the town that lies on it was …",
    "march_short": "In March the river rose …",
    "march_edited": "The town on the river was cut off for days on end when the water rose by a metre in March.",
    "april": APRIL,
    "april_cut": "In April the river fell again, and the town that lies on it could …",
    "april_edited": "After weeks of high water the river fell again in April, and the road to the town is open.",
    "may": "In May the fields along the river were dry enough to be ploughed, a month later than usual.",
}


def shown(day: int, position: int = 1, text_id: str | None = None, **columns):
    cut = bool(text_id) and text_id.endswith(("_cut", "_short"))
    row = {"title": "Letter from the River", "text_id": text_id, "is_truncated": cut}
    return {"capture_id": f"c{day}", "position": position} | row | columns


def build(given, *observations, **tables):
    return given(
        capture=[{"capture_id": f"c{day}", "page_date": f"2025-12-{day:02}"} for day in range(4, 10)],
        article_observation=list(observations),
        article_text=[{"text_id": text_id, "text": text} for text_id, text in TEXTS.items()],
        **tables,
    )


def positions_by_slug(warehouse):
    """The observations of every article, by capture and position, under its slug."""
    rows = warehouse.rows(
        "from staging.stg_article_observation select capture_id, position, slug order by all"
    )
    positions: dict[str, list[tuple[int, int]]] = {}
    for capture_id, position, slug in rows:
        positions.setdefault(slug, []).append((int(capture_id[1:]), position))
    return positions


def test_a_listing_without_links_and_one_with_links_meet_in_one_article(given):
    title, slug = (
        "Kazakhstan’s “Green” Plan: 3 Steps – and More",
        "kazakhstans-green-plan-3-steps-and-more",
    )
    warehouse = build(given, shown(5, title=title), shown(6, title=title, url=f"https://timesca.com/{slug}/"))
    assert warehouse.row(
        "select article_id, slug, sightings, first_seen_date, last_seen_date from main.fct_article"
    ) == (hashlib.sha256(slug.encode()).hexdigest()[:16], slug, 2, date(2025, 12, 5), date(2025, 12, 6))


def test_the_model_has_the_observations_without_a_link_of_their_own(given):
    warehouse = build(
        given,
        shown(5, 1),
        shown(5, 2, title="A Road"),
        shown(5, 3, title="A Bridge", url="https://timesca.com/?p=7"),
        shown(5, 4, url="https://timesca.com/letter-2/"),
        shown(5, 5, title=None),
    )
    assert warehouse.rows("from staging.stg_article_by_title order by position") == [
        ("c5", 1, "letter-2"),
        ("c5", 2, "a-road"),
        ("c5", 3, "a-bridge"),
    ]


def test_a_title_without_a_link_is_the_linked_article_with_that_title(given):
    warehouse = build(
        given,
        shown(5),
        # WordPress numbered the slug, or kept that of an earlier title
        shown(6, url="https://timesca.com/letter-from-the-river-2/"),
    )
    assert warehouse.rows("select slug, sightings from main.fct_article") == [("letter-from-the-river-2", 2)]


def test_of_two_linked_articles_with_one_title_the_lead_decides_which_is_shown_without_a_link(given):
    warehouse = build(
        given,
        shown(5, 1, "march", title="Weekly Note", url="/weekly-review/"),
        shown(5, 2, "april", title="Weekly Note", url="/weekly-review-2/"),
        shown(6, 1, "april_cut", title="Weekly Note"),
        shown(6, 2, "march_cut", title="Weekly Note"),
        shown(6, 3, "may", title="Weekly Note"),
    )
    assert warehouse.rows(
        "select slug, position from main.fct_article_sighting where capture_id = 'c6' order by position"
    ) == [("weekly-review-2", 1), ("weekly-review", 2), ("weekly-note", 3)]


def test_one_post_under_two_addresses_is_one_linked_article(given):
    warehouse = build(
        given,
        shown(5, 1, "march", url="/a-letter/", post_id=7),
        shown(6, 1, "march_edited", url="/the-letter/", post_id=7),
        shown(7, 1, "april"),
    )
    assert positions_by_slug(warehouse) == {"a-letter": [(5, 1), (6, 1), (7, 1)]}


@pytest.mark.parametrize("also", ["march", "march_cut", "march_short", None])
def test_one_article_that_a_page_shows_twice_is_one(given, also):
    warehouse = build(given, shown(5, 1, "march"), shown(5, 2, also), shown(6, 1, "march_edited"))
    assert len(positions_by_slug(warehouse)) == 1


def test_a_prefix_that_fits_two_articles_makes_no_third_one(given):
    texts = {
        "march_2": f"{MARCH[:21]} faster than anybody in the town could remember, and the road was closed."
    }
    warehouse = given(
        capture=[{"capture_id": f"c{day}", "page_date": f"2025-12-{day:02}"} for day in (5, 6)],
        article_observation=[
            shown(5, 1, "march"),
            shown(5, 2, "march_short"),
            shown(6, 1, "march_2"),
        ],
        article_text=[{"text_id": text_id, "text": text} for text_id, text in (TEXTS | texts).items()],
    )
    assert len(positions_by_slug(warehouse)) == 1


def test_pages_that_show_one_lead_each_show_one_article(given):
    assert (
        len(positions_by_slug(build(given, shown(5, 1, "march"), shown(6, 1, "april"), shown(7, 1, "march"))))
        == 1
    )


def test_an_excluded_page_shows_no_article_of_its_own(given):
    decision = [{"capture_id": "c5", "decision": "exclude"}]
    observations = (shown(5, 1, "march"), shown(5, 2, "april"), shown(6, 1, "march"), shown(7, 1, "april"))
    assert len(positions_by_slug(build(given, *observations, decision=decision))) == 1


def test_two_articles_without_links_meet_the_links_that_they_get_later(given):
    warehouse = build(
        given,
        shown(5, 1, "march_cut"),
        shown(5, 2, "april_cut"),
        shown(6, 1, "april", url="https://timesca.com/letter-from-the-river/"),
        shown(6, 2, "march", url="https://timesca.com/letter-from-the-river-2/"),
    )
    assert list(positions_by_slug(warehouse).values()) == [[(5, 1), (6, 2)], [(5, 2), (6, 1)]]

"""Articles that one page shows under one title without a link are two, and stay the same two."""

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


def shown(day: int, position: int, text_id: str | None, **columns):
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


def slugs(warehouse):
    """The slug of each sighting, under its capture and place."""
    rows = warehouse.rows("select capture_id, position, slug from main.fct_article_sighting")
    return {(int(capture_id[1:]), position): slug for capture_id, position, slug in rows}


def groups(warehouse):
    """The sightings of each article, by capture and place, oldest article first."""
    found: dict[str, list[tuple[int, int]]] = {}
    for place, slug in sorted(slugs(warehouse).items()):
        found.setdefault(slug, []).append(place)
    return list(found.values())


def test_two_articles_with_one_title_and_no_link_on_one_page_stay_two_on_later_pages_too(given):
    warehouse = build(
        given,
        shown(5, 1, "march"),
        shown(6, 1, "april"),
        shown(6, 2, "march"),
        shown(7, 1, "march_cut"),
        shown(8, 1, "april_cut"),
        shown(9, 1, "march_short"),
    )
    assert groups(warehouse) == [[(5, 1), (6, 2), (7, 1), (9, 1)], [(6, 1), (8, 1)]]
    assert slugs(warehouse)[5, 1] == "letter-from-the-river"
    assert slugs(warehouse)[6, 1].startswith("letter-from-the-river--")
    assert warehouse.rows("select text_id, revisions from main.fct_article order by text_id") == [
        ("april", 0),
        ("march", 0),
    ]


def test_the_names_of_two_articles_with_one_title_stay_when_more_is_shown(given):
    first = (shown(5, 1, "march"), shown(5, 2, "april"))
    later = (
        shown(7, 1, "may"),
        shown(7, 2, "april_cut"),
        shown(7, 3, "march_cut"),
        shown(8, 1, "march_edited"),
    )
    before = slugs(build(given, *first))
    after = slugs(build(given, *first, *later))
    assert after | before == after
    assert after[7, 2] == before[5, 2]
    assert after[7, 3] == before[5, 1]
    assert len(set(after.values())) == 3


def test_an_edited_lead_that_stands_alone_makes_no_article_of_its_own_but_counts_for_the_first(given):
    warehouse = build(
        given, shown(5, 1, "april"), shown(5, 2, "march"), shown(6, 1, "march_edited"), shown(7, 1, "april")
    )
    assert groups(warehouse) == [[(5, 1), (7, 1)], [(5, 2), (6, 1)]]


def test_an_edited_lead_beside_the_other_article_is_the_one_that_the_other_is_not(given):
    warehouse = build(
        given,
        *(shown(5, 1, "march"), shown(5, 2, "april")),
        *(shown(6, 1, "march"), shown(6, 2, "april_edited")),
        *(shown(7, 1, "march_edited"), shown(7, 2, "april_edited")),
    )
    assert groups(warehouse) == [[(5, 1), (6, 1), (7, 1)], [(5, 2), (6, 2), (7, 2)]]


@pytest.mark.parametrize("also", ["march", "march_cut", "march_short", None])
def test_one_article_that_a_page_shows_twice_stays_one(given, also):
    warehouse = build(given, shown(5, 1, "march"), shown(5, 2, also), shown(6, 1, "march_edited"))
    assert len(groups(warehouse)) == 1


def test_a_beginning_that_fits_two_articles_makes_no_third_one(given):
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
    assert len(groups(warehouse)) == 1


def test_pages_that_show_one_of_them_each_prove_nothing(given):
    assert len(groups(build(given, shown(5, 1, "march"), shown(6, 1, "april"), shown(7, 1, "march")))) == 1


def test_an_excluded_page_proves_nothing(given):
    decision = [{"capture_id": "c5", "decision": "exclude"}]
    observations = (shown(5, 1, "march"), shown(5, 2, "april"), shown(6, 1, "march"), shown(7, 1, "april"))
    assert len(groups(build(given, *observations, decision=decision))) == 1


@pytest.mark.parametrize("linked", ["march", "april"])
@pytest.mark.parametrize("address", ["letter-from-the-river", "letter-from-the-river-2"])
def test_the_one_that_gets_a_link_later_is_the_article_of_that_link_and_the_other_is_not(
    given, linked, address
):
    warehouse = build(
        given,
        shown(5, 1, "march_cut"),
        shown(5, 2, "april_cut"),
        shown(6, 1, linked, url=f"https://timesca.com/{address}/"),
    )
    found = slugs(warehouse)
    own, other = ((5, 1), (5, 2)) if linked == "march" else ((5, 2), (5, 1))
    assert found[own] == found[6, 1] == address
    assert found[other] != address


def test_both_may_get_a_link(given):
    warehouse = build(
        given,
        shown(5, 1, "march_cut"),
        shown(5, 2, "april_cut"),
        shown(6, 1, "april", url="https://timesca.com/letter-from-the-river/"),
        shown(6, 2, "march", url="https://timesca.com/letter-from-the-river-2/"),
    )
    assert groups(warehouse) == [[(5, 1), (6, 2)], [(5, 2), (6, 1)]]


def test_a_link_without_a_lead_that_fits_is_that_of_the_first(given):
    warehouse = build(
        given,
        shown(5, 1, "march"),
        shown(5, 2, "april"),
        shown(6, 1, None, url="https://timesca.com/letter-from-the-river-2/"),
    )
    assert groups(warehouse) == [[(5, 1)], [(5, 2), (6, 1)]]


def test_posts_that_tell_their_numbers_are_told_apart_by_them(given):
    warehouse = build(
        given,
        shown(5, 1, "march", url="https://timesca.com/?p=7", post_id=7),
        shown(5, 2, "april", url="https://timesca.com/?p=9", post_id=9),
    )
    assert sorted(slugs(warehouse).values()) == ["letter-from-the-river", "letter-from-the-river--9"]


def test_stg_article_namesake_has_a_row_for_each_place_of_such_a_title(given):
    warehouse = build(
        given,
        shown(5, 1, "march"),
        shown(5, 2, "april"),
        shown(6, 1, "april_cut"),
        shown(6, 2, "may", title="May"),
    )
    rows = warehouse.rows(
        "select capture_id, position, number, count(*) over (partition by mark)"
        " from staging.stg_article_namesake order by all"
    )
    assert rows == [("c5", 1, 1, 1), ("c5", 2, 0, 2), ("c6", 1, 0, 2)]

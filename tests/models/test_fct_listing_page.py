import pytest

from ca_etl.parse.page import PageKind

SELECT = (
    "select shown_from, shown_to, shown_total, articles_expected, articles_parsed, is_complete"
    " from main.fct_listing_page"
)


@pytest.mark.parametrize(
    ("shown", "parsed", "expected", "complete"),
    [
        # the seed page shows 1 - 6 of 8 and holds four articles
        ((1, 6, 8), 4, 6, False),
        # the site never clamps the end of the range
        ((1, 6, 2), 2, 2, True),
        ((7, 12, 8), 2, 2, True),
        ((13, 18, 8), 0, 0, True),
        ((1, 6, 8), 7, 6, True),
    ],
)
def test_a_page_is_complete_when_it_holds_what_its_line_promises(given, shown, parsed, expected, complete):
    first, last, total = shown
    warehouse = given(
        capture=[
            {
                "page_date": "2025-12-05",
                "shown_from": first,
                "shown_to": last,
                "shown_total": total,
                "articles_parsed": parsed,
            }
        ]
    )
    assert warehouse.row(SELECT) == (first, last, total, expected, parsed, complete)


def test_a_page_that_promises_nothing_is_neither_complete_nor_incomplete(given):
    warehouse = given(capture=[{"page_date": "2025-12-05", "articles_parsed": 5}])
    assert warehouse.row(SELECT) == (None, None, None, None, 5, None)


def test_article_pages_and_pages_without_any_article_are_not_listings(given):
    warehouse = given(
        capture=[
            {
                "capture_id": "a",
                "page_date": "2025-12-05",
                "page_kind": str(PageKind.ARTICLE),
                "articles_parsed": 1,
            },
            {"capture_id": "b", "page_date": "2025-12-05"},
        ]
    )
    assert warehouse.rows("from main.fct_listing_page") == []

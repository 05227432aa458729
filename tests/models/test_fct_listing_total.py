from datetime import date


def page(number: int, url: str, total: int | None, day: str, **columns):
    return {
        "capture_id": f"c{number}",
        "url": f"https://timesca.com/{url}",
        "page_date": day,
        "shown_from": None if total is None else 1,
        "shown_to": None if total is None else 6,
        "shown_total": total,
        "archive_offset": number,
    } | columns


def test_a_listing_is_one_whatever_its_page_slash_or_parent(given):
    warehouse = given(
        capture=[
            page(1, "category/rivers/", 634, "2024-12-05"),
            page(2, "category/home/rivers/page/3", 638, "2024-12-05"),
            page(3, "category/rivers/page/2/?x=1", 640, "2024-12-08"),
            page(4, "tag/rivers/page/3", 24, "2024-12-08"),
            page(5, "tag/lakes", None, "2024-12-08"),
        ]
    )
    assert warehouse.rows(
        "select listing, listing_date, shown_total, total_low, total_high, captures, previous_date, change, capture_id"
        " from main.fct_listing_total order by all"
    ) == [
        ("category/rivers", date(2024, 12, 5), 638, 634, 638, 2, None, None, "c2"),
        ("category/rivers", date(2024, 12, 8), 640, 640, 640, 1, date(2024, 12, 5), 2, "c3"),
        ("tag/rivers", date(2024, 12, 8), 24, 24, 24, 1, None, None, "c4"),
    ]


def test_a_total_without_an_address_belongs_to_no_listing(given):
    warehouse = given(capture=[page(1, "", 8, "2025-12-05") | {"url": None}, page(2, "", 8, "2025-12-05")])
    assert warehouse.rows("from main.fct_listing_total") == []

import pytest

from tests.models.rows import capture

URL = "https://timesca.com/"


def superseded(given, page):
    text = capture("text", 5, url=URL, source="web-archive", source_kind="wet")
    return given(capture=[text, page]).rows("from staging.stg_superseded_capture")


@pytest.mark.parametrize("status", [200, 304])
def test_a_text_is_superseded_by_the_page_at_its_url_and_time(given, status):
    assert superseded(given, capture("page", 5, url=URL, http_status=status)) == [("text",)]


@pytest.mark.parametrize(
    "page",
    [
        capture("page", 5, "02:00:01", url=URL),
        capture("page", 5, url=f"{URL}latest/"),
        capture("page", 5, url=URL, http_status=503),
        capture("page", 5, url=URL, source_kind="wet"),
    ],
    ids=["another time", "another url", "an error", "another text"],
)
def test_a_text_without_a_page_of_its_url_and_time_is_not_superseded(given, page):
    assert superseded(given, page) == []

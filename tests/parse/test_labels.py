"""Lines that describe an article are neither its title nor its text; headlines that begin like them are titles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ca_etl.parse.lines import describes_article, is_credit
from ca_etl.parse.page import Media, Page

Reader = Callable[..., Page]
LABELS = """
3 hours ago|22 hours ago|an hour ago|2 days ago|Yesterday|Just now|About 3 hours ago|3 hrs ago|3h ago|Two days ago
1 year, 2 months ago|Posted 3 hours ago|less than a minute ago|Last week|a few seconds ago
5 min read|Reading time: 4 minutes|4 minute read|4-minute read|Reading Time: < 1 minute|5 min|Time to read: 5 min
4 December 2025|Dec 4, 2025|2025-12-04|04.12.2025|Thursday, December 4, 2025|December 4, 2025 at 2:05 pm|14:05
4th December 2025|04/12/2025|2025-12-04T09:00:00Z|Thu, 04 Dec 2025 09:00:00 +0500|14:05, 4 December 2025|4-Dec-2025
4 Dec 2025 - 14:05|December 2025|December 4|04 December 2025 14:05 (GMT+6)
1,204 views|3 Comments|No Comments|0 Comments|Leave a comment|Leave a Reply|12 shares|1.2K views|Views: 1,204
Comments (3)|Comments Off|Be the first to comment|Viewed 204 times
Updated|Updated:|Updated: 4 December 2025|Published|Last modified on December 4, 2025|Last updated: 2025-12-04
Photo: A. Writer|Image: AP|Credit: A. Writer / AP|Getty Images|File photo|Photo by A. Writer|AP Photo/A. Writer
Photo courtesy of the ministry|AFP via Getty Images|A. Writer / Getty Images|(Photo: AP)|Photos: AP|Source: Reuters
4 December 2025, 5 min read|By A. Writer, 4 December 2025|By A. Writer on December 4, 2025
"""
HEADLINES = """
Three Hours That Changed Bishkek|Updated Law on Media Takes Effect|5 Minutes with a Beekeeper|Views from the Pamirs
Photo Essay: Life on the Aral|Two Days in Osh|December 4: A Day to Remember|Image of a Nation|2025 in Review
Updated: Kyrgyz President Signs Law|Today in Bishkek|March of the Herders|Friday Prayers Return to Osh|No Comment
12 Views of the Aral|3 Comments on the New Budget|Photo from Space Shows Shrinking Aral
Photos: Bishkek Celebrates Nowruz|Source: Kazakhstan to Cut Oil Output in May|Credit: The Missing Link in Kazakh Farming
Big Picture: Kazakhstan Eyes Growth|One Year On|Leave a Light On|Reuters Opens an Office in Bishkek|Osh, 1990
Comment: Why Water Matters|In Photos: Naryn
7 April 2010: The Day Bishkek Burned|Kyrgyzstan, Today|Update: Dam Reopens|10 Shares to Watch|Last Week in Almaty
"""
TEXT = "The road over the pass was opened on Friday, two years after the flood had carried it away for the third time."


def _rows(table: str) -> list[str]:
    return [line for row in table.strip().splitlines() for line in row.split("|")]


@pytest.mark.parametrize("line", _rows(LABELS))
def test_a_line_that_describes_an_article_is_known_as_one(line: str) -> None:
    assert describes_article(line)
    assert describes_article(line.upper()) or line.startswith("By ")


@pytest.mark.parametrize("line", ["News | 3 hours ago", "A. Writer · Dec 4, 2025 · 5 min read"])
def test_several_descriptions_and_a_category_can_be_in_one_line(line: str) -> None:
    assert describes_article(line)


@pytest.mark.parametrize("line", [*_rows(HEADLINES), "Bishkek | Where to Eat", "", "x" * 500])
def test_a_headline_is_not_a_description(line: str) -> None:
    assert not describes_article(line)


def test_a_credit_is_known_from_other_descriptions() -> None:
    assert is_credit("Photo: A. Writer")
    assert not is_credit("3 hours ago")


@pytest.mark.parametrize("label", ["3 hours ago", "5 min read", "4 December 2025", "3 Comments", "Updated"])
@pytest.mark.parametrize("order", ["{label}\n\n{title}\n\n{text}", "{title}\n\n{label}\n\n{text}"])
def test_a_label_beside_the_title_of_a_text_page_is_neither_title_nor_text(
    page: Reader, label: str, order: str
) -> None:
    titles = ["A Road Opens Over the Pass", "Herders Count Their Sheep"]
    shown = [order.format(label=label, title=title, text=TEXT) for title in titles]
    listing = "Viewing results 1 - 6 of 48\n\n" + "\n\n".join(shown) + "\n"
    home = "\n\nContinue reading\n\n".join([*shown, ""])
    for text, url in (
        (listing, "https://timesca.com/category/news/"),
        (home, "https://timesca.com/page/572/?catid=14&id=6054"),
    ):
        articles = page(text, url=url).articles
        assert [(article.title, article.text) for article in articles] == [(title, TEXT) for title in titles]


def test_a_photo_credit_beside_a_title_is_a_caption(page: Reader) -> None:
    text = f"Viewing results 1 - 6 of 48\n\nA Road Opens\n\nPhoto: A. Writer\n\n{TEXT}\n"
    (article,) = page(text, url="https://timesca.com/category/news/").articles
    assert (article.title, article.text) == ("A Road Opens", TEXT)
    assert article.media == (Media("caption", None, "Photo: A. Writer"),)


def test_a_date_between_two_paragraphs_is_text(page: Reader) -> None:
    text = f"A Road Opens Over the Pass\n\n{TEXT}\n\n4 December 2025\n\n{TEXT}\n"
    (article,) = page(text, url="https://timesca.com/a-road-opens/").articles
    assert article.text == f"{TEXT}\n\n4 December 2025\n\n{TEXT}"


@pytest.mark.parametrize("label", ["3 hours ago", "5 min read", "December 4, 2025", "No Comments"])
def test_a_label_in_a_card_is_neither_title_nor_text(page: Reader, label: str) -> None:
    cards = "".join(
        f"<article><h4><a href='/{name}/'>{label}</a></h4><h2><a href='/{name}/'>A {name} Opens</a></h2>"
        f"<p>{label}</p><p>{TEXT}</p><p>{label}</p></article>"
        for name in ("Road", "Dam")
    )
    articles = page(cards, html=True, url="https://timesca.com/tag/a/").articles
    assert [(article.title, article.text) for article in articles] == [
        ("A Road Opens", TEXT),
        ("A Dam Opens", TEXT),
    ]

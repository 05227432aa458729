"""Real-shaped pages of every layout, damaged: no exception, no rate that no line printed, no ticker line unreported."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ca_etl.parse.rows import rows_of
from ca_etl.parse.text_page import read_text
from ca_etl.parse.ticker import is_ticker_line
from ca_etl.records import Capture, RejectReason, Rows

PAGES = sorted((Path(__file__).parent / "fixtures" / "layouts").glob("*.txt"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in PAGES}
ABOUT_THE_TICKER = {
    RejectReason.BAD_RATE_LINE, RejectReason.UNKNOWN_PAIR, RejectReason.CYCLE_DIFFERS, RejectReason.PAIR_ORDER,
    RejectReason.INCOMPLETE_CYCLE,
}  # fmt: skip
INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
LOOK_ALIKES = str.maketrans("KTSUGacepo", "КТЅUGасеро")  # noqa: RUF001 (Cyrillic on purpose)
STREWN = [
    "\u00a0",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u00ad",
    "\x00",
    "\n",
    "  ",
    "\u2022",
    "[caption ",
    "...",
    "\u0421",
]
INJURIES = st.tuples(
    st.sampled_from(["strewn", "look-alikes", "lost", "doubled"]),
    st.integers(0, 2**16),
    st.sampled_from(STREWN),
    st.integers(1, 5),
)

CYCLE = "".join(
    f"  \u2022 {base}/USD = 0.0{number}144 {change}\n"
    for number, (base, change) in enumerate(
        [("KGS", "0%"), ("KZT", "-0%"), ("TJS", "-0.18%"), ("UZS", "0%"), ("TMT", "0.2%")]
    )
)
PIECES = st.sampled_from(
    [
        CYCLE * 8, CYCLE * 2, CYCLE, CYCLE[2:], CYCLE.replace("144", "145"), CYCLE.rsplit("\n", 2)[0] + "\n",
        "  \u2022 KGS/USD = 0.01144 0%\n", "KZT/USD = 0.00198 -0%\n", "  \u2022 KGS/USD = 0,01144 0%\n",
        "The bank lent 85 billion KGS (KGS/USD = 0.01144 0%, it said).\n", "USDXKG rose by 3%, the KZT by 1%.\n",
        "05 December 2025\n", "31 February 2025\n", "28 August 2018\n", "Viewing results 1 - 6 of 2\n",
        "Our People > A. Writer\n", "A. Writer\u2019s Avatar\n", "A. Writer\n", "Senior Editor\n", "Articles\n",
        "divider\n", "Continue reading\n", "View more articles fromA. Writer\n", "  \u2022 Written by TCA\n",
        "Read more: A Title of Ours About the Border\n", "A Title of Ours About the Border\n", "Uncategorized\n",
        "A text of ours tells what nobody had asked about, and ends in a stop.\n", "\u00a0\n", "\n", "\n\n",
        "BISHKEK (TCA) \u2014 A text of ours.\n", "[caption id=\"attachment_1\"]A dam[/caption] stands.\n",
    ]
)  # fmt: skip


def _rows(text: str, url: str | None = None) -> Rows:
    capture = Capture(
        "urn:uuid:1",
        "files",
        text.encode("utf-8", "replace"),
        "a.warc.gz",
        0,
        url,
        datetime(2025, 12, 5, 7, tzinfo=UTC),
        200,
        "text/plain",
    )
    return rows_of(capture, zone=ZoneInfo("Asia/Almaty"), run_id="run-1")


def _assert_honest(text: str, read: Rows) -> None:
    # A blank too many or too few around the signs changes nothing that is said.
    lines = [
        re.sub(r" ?([=/]) ?", r"\1", " ".join(INVISIBLE.sub("", line).split()).lstrip("\u2022 "))
        for line in text.split("\n")
    ]
    standing = {
        f"{row['base']}/{row['quote']}={row['rate_text']} {row['change_text']}"
        for row in read.rate_observation
    }
    assert standing <= set(lines)
    lost = any(
        is_ticker_line(line) and plain not in standing
        for line, plain in zip(text.split("\n"), lines, strict=True)
    )
    reasons = {row["reason"] for row in read.reject}
    if lost:
        assert reasons & ABOUT_THE_TICKER
    if not standing:
        assert reasons & {
            *ABOUT_THE_TICKER,
            RejectReason.NO_TICKER,
            RejectReason.BINARY,
            RejectReason.EMPTY,
        }


@given(
    st.lists(PIECES, max_size=25).map("".join),
    st.sampled_from([None, "https://timesca.com/page/3/", "https://timesca.com/tag/x"]),
)
def test_no_order_of_pieces_makes_a_rate_or_loses_one(text: str, url: str | None) -> None:
    read = _rows(text, url)
    _assert_honest(text, read)
    assert read == _rows(text, url)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(TEXTS)), injuries=st.lists(INJURIES, min_size=1, max_size=12))
def test_a_damaged_page_is_read_honestly(name: str, injuries: list[tuple[str, int, str, int]]) -> None:
    text = TEXTS[name]
    for how, place, sign, lost in injuries:
        at = place % (len(text) + 1)
        if how == "strewn":
            text = text[:at] + sign + text[at:]
        elif how == "look-alikes":
            text = text[:at] + text[at : at + 20].translate(LOOK_ALIKES) + text[at + 20 :]
        elif how == "lost":
            text = text[:at] + text[at + lost :]
        else:
            lines = text.split("\n")
            line = place % len(lines)
            text = "\n".join([*lines[:line], lines[line], *lines[line:]])
    _assert_honest(text.replace("\x00", "\ufffd"), _rows(text))


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_layout_cut_anywhere_keeps_its_kind_and_invents_no_title(name: str) -> None:
    text = TEXTS[name]
    url = (
        "https://timesca.com/page/3/" if name.partition("_")[0] in {"V3", "V6", "V8", "V17", "V23"} else None
    )
    titles = {article.title for article in read_text(text, url=url, on=None, charset="").articles}
    body = text.index("\n\n", text.index("Viewing results") if "Viewing results" in text else 0)
    for end in range(body, len(text), 5):
        cut = text[:end]
        _assert_honest(cut, _rows(cut, url))
        if name.partition("_")[0] in {"V1", "V2", "V3", "V4", "V15", "V16", "V22", "V25"}:
            found = {article.title for article in read_text(cut, url=url, on=None, charset="").articles}
            assert found <= {*titles, None}, cut[-80:]


@pytest.mark.parametrize("times", [1, 7, 8, 10_000])
def test_a_cycle_counts_as_often_as_it_is_printed(times: int) -> None:
    page = read_text((CYCLE * times)[2:] + "05 December 2025\n", url=None, on=date(2025, 12, 5), charset="")
    assert (page.ticker_cycles, len(page.rates), page.rejects) == (times, 5, ())


@pytest.mark.parametrize("place", [0, 3, 7])
def test_one_deviating_cycle_among_eight_is_reported(place: int) -> None:
    cycles = [CYCLE] * 8
    cycles[place] = CYCLE.replace("0.01144", "0.09144")
    page = read_text("".join(cycles)[2:], url=None, on=date(2025, 12, 5), charset="")
    assert [rate.rate_text for rate in page.rates] == ["0.00144", "0.01144", "0.02144", "0.03144", "0.04144"]
    assert [reject.reason for reject in page.rejects] == [RejectReason.CYCLE_DIFFERS]


@pytest.mark.parametrize(
    ("on", "reasons"), [(date(2025, 12, 5), ["truncated"]), (date(2024, 3, 1), []), (None, [])]
)
def test_a_page_that_ends_within_its_ticker_says_so(on: date | None, reasons: list[str]) -> None:
    four = "".join(CYCLE.splitlines(keepends=True)[: 4 if on and on.year == 2024 else 5])
    page = read_text((four * 2)[2:], url=None, on=on, charset="")
    assert [str(reject.reason) for reject in page.rejects] == reasons

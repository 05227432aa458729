import json
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest

from ca_etl.demo.content import (
    FIRST_DAY,
    LAST_DAY,
    check_day,
    default_last_day,
    figure_day,
    ticker_of,
    tickers,
)
from ca_etl.errors import UsageError

CAPTURES = Path(__file__).parents[3] / "shared" / "captures" / "captures.jsonl"

Lines = tuple[tuple[str, str, str], ...]


def printed(day: date) -> Lines:
    return tuple((rate.pair, rate.rate, rate.change) for rate in tickers()[day])


@pytest.fixture
def captured() -> dict[date, Counter[Lines]]:
    if not CAPTURES.exists():
        pytest.skip(f"no {CAPTURES.name} beside the repository")
    seen: dict[date, Counter[Lines]] = defaultdict(Counter)
    for line in CAPTURES.read_text(encoding="utf-8").splitlines():
        capture = json.loads(line)
        if capture["page_date"] and capture["rates"]:
            rates = tuple((rate["pair"], rate["rate"], rate["change"]) for rate in capture["rates"])
            seen[date.fromisoformat(capture["page_date"])][rates] += 1
    return seen


@pytest.mark.shared
def test_every_ticker_of_the_data_file_was_captured_on_its_day(captured):
    assert set(tickers()) == set(captured)
    for day in tickers():
        assert printed(day) in captured[day]


@pytest.mark.shared
def test_the_ticker_of_a_day_is_the_one_most_captures_show(captured):
    for day, seen in captured.items():
        assert printed(day) == min(seen, key=lambda lines: (-seen[lines], lines)), day


def test_the_ticker_of_5_december_2025_is_the_real_one():
    assert [rate.line for rate in ticker_of(date(2025, 12, 5))] == [
        "KGS/USD = 0.01144 0%",
        "KZT/USD = 0.00198 -0%",
        "TJS/USD = 0.10857 -0.18%",
        "UZS/USD = 0.00008 0%",
        "TMT/USD = 0.28571 0%",
    ]


def test_every_ticker_has_the_five_pairs_in_order_with_five_decimals():
    for ticker in tickers().values():
        assert [rate.pair for rate in ticker] == ["KGS/USD", "KZT/USD", "TJS/USD", "UZS/USD", "TMT/USD"]
        assert all(re.fullmatch(r"0\.\d{5}", rate.rate) for rate in ticker)
        assert all(re.fullmatch(r"-?\d(\.\d{1,2})?%", rate.change) for rate in ticker)


def test_the_history_runs_from_the_first_to_the_last_day_with_rates():
    assert (min(tickers()), max(tickers())) == (FIRST_DAY, LAST_DAY)
    assert len(tickers()) == 84


def test_a_day_between_prints_the_ticker_of_the_latest_earlier_day():
    assert date(2025, 11, 20) not in tickers()
    assert figure_day(date(2025, 11, 20)) == date(2025, 11, 14)
    assert ticker_of(date(2025, 11, 20)) == tickers()[date(2025, 11, 14)]


@pytest.mark.parametrize("day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1)])
def test_a_day_outside_the_history_is_refused_by_name(day):
    with pytest.raises(UsageError, match=f"no {day}: it plays 2024-09-07 to 2026-02-25"):
        check_day(day)


def test_no_last_day_of_2025_has_more_tickers_in_its_thirty_days_than_the_default():
    def figures(last: date) -> int:
        return sum(last - timedelta(days=back) in tickers() for back in range(30))

    every = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
    assert figures(default_last_day()) == max(map(figures, every))

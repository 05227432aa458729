"""A data directory, rows, and real child processes for the tests of the warehouse."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ca_etl.records import Rows
from ca_etl.warehouse.connection import open_building
from ca_etl.warehouse.release import begin_building, publish


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def release(data_dir: Path) -> Callable[..., Path]:
    """Publish a release whose table `main.day` holds one number, and return its folder."""

    def make(release_id: str, number: int) -> Path:
        building = begin_building(data_dir, release_id)
        with open_building(building.warehouse) as con:
            con.execute(f"create or replace table main.day as select {number} as number")
        return publish(building).folder

    return make


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python code in a process of its own, with pipes; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        script = tmp_path / f"child-{len(started)}.py"
        script.write_text(textwrap.dedent(code))
        process = subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a suite that a script starts in the background inherits an ignored SIGINT
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def steps(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is forced to the disk (a file with its length then), linked or renamed from here on, in order."""
    calls: list[str] = []

    def name(path: object) -> str:
        return Path(str(path)).relative_to(data_dir).as_posix()

    def record(call: str, write: Callable[[tuple[object, ...]], str]) -> None:
        original = getattr(os, call)

        def called(*arguments: object, **options: object) -> object:
            calls.append(f"{call} {write(arguments)}")
            return original(*arguments, **options)

        monkeypatch.setattr(os, call, called)

    def forced(arguments: tuple[object, ...]) -> str:
        path = Path(f"/proc/self/fd/{arguments[0]}").readlink()
        return f"{name(path)} {path.stat().st_size}" if path.is_file() else name(path)

    record("fsync", forced)
    record("symlink", lambda arguments: f"{name(arguments[1])} -> {arguments[0]}")
    for call in ("rename", "replace"):
        record(call, lambda arguments: " -> ".join(map(name, arguments)))
    return calls


def _capture(capture_id: str, **fields: object) -> dict[str, object]:
    return {
        "capture_id": capture_id,
        "source": "timesca",
        "source_kind": "warc",
        "url": "https://timesca.com/",
        "captured_at": datetime(2025, 12, 5, 2, 0, tzinfo=UTC),
        "captured_date": date(2025, 12, 5),
        "page_date": date(2025, 12, 5),
        "http_status": 200,
        "response_class": "page",
        "etag": '"a1"',
        "payload_sha256": "00" * 32,
        "payload_bytes": 10,
        "ticker_cycles": 8,
        "articles_parsed": 1,
        "archive_file": "2025/12/a.warc.gz",
        "archive_offset": 0,
        "parser_version": "1",
        "run_id": "20251205T020000Z",
        **fields,
    }


@pytest.fixture
def capture() -> Callable[..., dict[str, object]]:
    """A row of raw.capture; fields by name replace the usual ones."""
    return _capture


@pytest.fixture
def rows() -> Callable[..., Rows]:
    """All rows of the given captures: two rates, one article and one reject for every one."""

    def make(*capture_ids: str) -> Rows:
        all_rows = Rows()
        for capture_id in capture_ids:
            all_rows.capture.append(_capture(capture_id))
            for position, (base, rate) in enumerate([("KZT", "0.00198"), ("UZS", "0.00008")], start=1):
                all_rows.rate_observation.append(
                    {
                        "capture_id": capture_id,
                        "base": base,
                        "quote": "USD",
                        "rate": Decimal(rate),
                        "rate_text": rate,
                        "change_pct": Decimal(0),
                        "change_text": "-0%",
                        "position": position,
                    }
                )
            all_rows.article_text.append({"text_id": "t1", "text": "Snow closed the pass."})
            all_rows.article_observation.append(
                {
                    "capture_id": capture_id,
                    "position": 1,
                    "title": "Snow",
                    "text_id": "t1",
                    "is_truncated": False,
                    "media": [{"kind": "caption", "attachment_id": 7, "caption": "A pass"}],
                }
            )
            all_rows.reject.append(
                {
                    "capture_id": capture_id,
                    "position": 1,
                    "reason": "bad_header",
                    "detail": "d",
                    "excerpt": "e",
                    "parser_version": "1",
                    "run_id": "20251205T020000Z",
                }
            )
        return all_rows

    return make

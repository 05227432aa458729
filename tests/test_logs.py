from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from ca_etl.logs import AddBound, bound, json_formatter, timed


class Capture:
    """What a logger writes as JSON, read back."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.log = logging.getLogger("test_logs_of_a_run")
        self.handler = logging.StreamHandler(self.stream)
        self.handler.addFilter(AddBound())
        self.handler.setFormatter(json_formatter())

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def capture() -> Iterator[Capture]:
    log_capture = Capture()
    log_capture.log.addHandler(log_capture.handler)
    log_capture.log.setLevel(logging.INFO)
    yield log_capture
    log_capture.log.removeHandler(log_capture.handler)


def test_a_record_has_time_level_logger_and_message(capture: Capture) -> None:
    before = datetime.now(UTC)
    capture.log.warning("%d rows are bad:\n\u20b8 40", 3)
    (record,) = capture.records()
    written = datetime.fromisoformat(record.pop("ts"))
    assert before <= written <= datetime.now(UTC)
    assert written.utcoffset() is not None
    assert record == {
        "level": "WARNING",
        "logger": "test_logs_of_a_run",
        "message": "3 rows are bad:\n\u20b8 40",
    }


def test_bound_fields_nest_and_end_with_their_block(capture: Capture) -> None:
    slot = datetime(2025, 12, 5, 2, 0, tzinfo=UTC)
    with bound(run_id="r1", slot=slot, source=None):
        with bound(step="load"):
            capture.log.info("a")
        capture.log.info("b")
    capture.log.info("c")
    inner, outer, after = (
        {k: r[k] for k in r.keys() & {"run_id", "slot", "step", "source"}} for r in capture.records()
    )
    assert inner == {"run_id": "r1", "slot": "2025-12-05T02:00:00+00:00", "step": "load"}
    assert outer == {"run_id": "r1", "slot": "2025-12-05T02:00:00+00:00"}
    assert after == {}


def test_own_fields_of_a_record_precede_the_bound_ones(capture: Capture) -> None:
    with bound(step="load"):
        capture.log.info("a", extra={"step": "own"})
    assert capture.records()[0]["step"] == "own"


def test_fields_of_one_thread_are_not_those_of_another(capture: Capture) -> None:
    with bound(run_id="r1"):
        thread = threading.Thread(target=capture.log.info, args=("elsewhere",))
        thread.start()
        thread.join()
    assert "run_id" not in capture.records()[0]


def test_a_step_is_logged_at_its_begin_and_its_end_with_its_seconds(capture: Capture) -> None:
    with timed(capture.log, "load"):
        pass
    with suppress(ValueError), timed(capture.log, "build"):
        raise ValueError
    messages = [record["message"].partition(" after")[0] for record in capture.records()]
    assert messages == ["load begins", "load done", "build begins", "build failed"]
    assert all(record["seconds"] >= 0 for record in capture.records()[1::2])


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_an_unexpected_error_and_a_python_warning_are_json_too() -> None:
    done = python(
        "import warnings; from ca_etl import logs; logs.configure(logs.LogFormat.JSON); warnings.warn('old'); 1 / 0"
    )
    assert done.returncode == 1
    warning, error = map(json.loads, done.stderr.splitlines())
    assert "old" in warning["message"]
    assert (error["level"], error["message"]) == (
        "CRITICAL",
        "unexpected ZeroDivisionError, a defect of ca_etl: report it with the traceback",
    )
    assert "ZeroDivisionError: division by zero" in error["exc_info"]


def test_configured_twice_every_record_is_written_once_and_in_the_last_form() -> None:
    done = python(
        "import logging; from ca_etl import logs\n"
        "logs.configure(None); logs.configure(logs.LogFormat.JSON); logs.configure(logs.LogFormat.TEXT)\n"
        "logs.prefer(logs.LogFormat.JSON)\n"
        "logging.getLogger('x').info('quiet'); logging.getLogger('x').warning('loud')"
    )
    assert done.stderr.endswith("WARNING x: loud\n")
    assert done.stderr.count("\n") == 1


def test_handlers_that_another_library_set_take_the_form_and_the_fields() -> None:
    done = python(
        "import logging; from ca_etl import logs\n"
        "logging.basicConfig(); logs.adopt(logs.LogFormat.TEXT); logging.warning('as it was')\n"
        "logs.adopt(logs.LogFormat.JSON); logs.adopt(logs.LogFormat.JSON)\n"
        "with logs.bound(run_id='r1'): logging.warning('as JSON')"
    )
    before, after = done.stderr.splitlines()
    assert before == "WARNING:root:as it was"
    assert json.loads(after)["run_id"] == "r1"

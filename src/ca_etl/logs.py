"""Logging on stderr as text or JSON, with the fields of a run, such as its id, in every record.

Modules use `logging.getLogger(__name__)` and need not import this module. The handler that `configure` installs adds
the fields of `bound` to every record; the handlers of other libraries, such as Prefect's, stay as they are.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from types import MappingProxyType, TracebackType
from typing import Final, TextIO

from ca_etl.sanitize import visible

TEXT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_fields: ContextVar[Mapping[str, object]] = ContextVar("ca_etl_log_fields", default=MappingProxyType({}))


class LogFormat(StrEnum):
    """The form of the log records on stderr: lines of text, or lines of JSON."""

    TEXT = "text"
    JSON = "json"


class AddBound(logging.Filter):
    """A logging filter that adds the fields of `bound` to each record as attributes; existing attributes are kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields of `bound` to a log record. Always returns True, so that every record is logged."""
        for name, value in _fields.get().items():
            record.__dict__.setdefault(name, value)
        return True


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add `fields` to every log record of the `with` block, in this thread or task; None leaves a field out."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _fields.set({**_fields.get(), **known})
    try:
        yield
    finally:
        _fields.reset(token)


@contextmanager
def timed(log: logging.Logger, what: str) -> Iterator[None]:
    """Log when the step `what` in the `with` block begins, and when it ended, with its seconds (field `seconds`)."""
    log.info("%s begins", what)
    started = time.monotonic()
    ended = "failed"
    try:
        yield
        ended = "done"
    finally:
        seconds = round(time.monotonic() - started, 3)
        log.info("%s %s after %.3f s", what, ended, seconds, extra={"seconds": seconds})


class StderrHandler(logging.StreamHandler[TextIO]):
    """The log handler for stderr; `chosen` is the form that the command line named, None if it named none."""

    def __init__(self, chosen: LogFormat | None, *, verbose: bool) -> None:
        super().__init__(sys.stderr)
        self.chosen = chosen
        self.verbose = verbose
        self.addFilter(AddBound())
        self.set_form(chosen or LogFormat.TEXT)

    def set_form(self, form: LogFormat) -> None:
        """Set the form of the log. In JSON, Python's warnings and unexpected errors become log records, too."""
        self.is_json = form is LogFormat.JSON
        self.setFormatter(json_formatter() if self.is_json else logging.Formatter(TEXT))
        logging.getLogger().setLevel(logging.INFO if self.is_json or self.verbose else logging.WARNING)
        logging.captureWarnings(self.is_json)
        sys.excepthook = _log_unexpected if self.is_json else sys.__excepthook__


def configure(form: LogFormat | None, *, verbose: bool = False) -> None:
    """Start logging to stderr in the form `form`; None means text until `prefer` names a form.

    As JSON each record is one line with `ts` (ISO 8601, UTC), `level`, `logger`, `message` and the fields of `bound`;
    an unexpected error is a line of this form too. JSON includes INFO, since programs can choose by level; text
    includes INFO only when `verbose`.
    """
    root = logging.getLogger()
    for handler in _own_handlers():
        root.removeHandler(handler)
    root.addHandler(StderrHandler(form, verbose=verbose))


def prefer(form: LogFormat) -> None:
    """Log in `form`, that of the settings, unless the command line named a form; call `configure` first."""
    for handler in _own_handlers():
        if handler.chosen is None:
            handler.set_form(form)


def is_json() -> bool:
    """Whether the log on stderr is in JSON."""
    return any(handler.is_json for handler in _own_handlers())


def _own_handlers() -> list[StderrHandler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, StderrHandler)]


def show(name: str) -> None:
    """Log the INFO records of the logger `name` also in text, where they are left out without `--verbose`."""
    logging.getLogger(name).setLevel(logging.INFO)


def adopt(form: LogFormat) -> None:
    """Write the log of a Prefect flow run in the form `form`, by changing the handlers that Prefect has installed.

    In JSON only the stream handlers change, since records to Prefect's server have a form of their own. In text all
    handlers write control characters as escapes.
    """
    if form is LogFormat.TEXT:
        for handler in (*logging.getLogger().handlers, *logging.getLogger("ca_etl").handlers):
            handler.addFilter(_make_visible)
        return
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setFormatter(json_formatter())
            handler.addFilter(AddBound())


def _make_visible(record: logging.LogRecord) -> bool:
    record.msg, record.args = visible(record.getMessage()), None
    return True


def json_formatter() -> logging.Formatter:
    """The formatter that makes each log record one JSON object on a line."""
    from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415  30 ms that text does without

    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="ts",
    )


def _log_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("ca_etl").critical(
        "unexpected %s, a defect of ca_etl: report it with the traceback",
        kind.__name__,
        exc_info=(kind, error, trace),
    )

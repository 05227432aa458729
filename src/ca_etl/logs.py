"""Log records for people or for programs, each with the fields of the run that wrote it.

Modules use `logging.getLogger(__name__)`; nothing here needs to be imported for that. What a run binds with `bound`
is added to every record of the block by a filter of the handler that `configure` sets. Other handlers, Prefect's
among them, are left as they are.
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
    """Form of a log record on stderr."""

    TEXT = "text"
    JSON = "json"


class AddBound(logging.Filter):
    """Adds the bound fields to a record as attributes; what the record has itself is kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        for name, value in _fields.get().items():
            record.__dict__.setdefault(name, value)
        return True


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add fields to every record that is logged within the block, in this thread or task. None is left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    token = _fields.set({**_fields.get(), **known})
    try:
        yield
    finally:
        _fields.reset(token)


@contextmanager
def timed(log: logging.Logger, what: str) -> Iterator[None]:
    """Log at level INFO that `what` begins, and how long it took; the field `seconds` holds the same number."""
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
    """Our handler of the root logger. `chosen` is the form of the command line, None where the settings decide."""

    def __init__(self, chosen: LogFormat | None, *, verbose: bool) -> None:
        super().__init__(sys.stderr)
        self.chosen = chosen
        self.verbose = verbose
        self.addFilter(AddBound())
        self.set_form(chosen or LogFormat.TEXT)

    def set_form(self, form: LogFormat) -> None:
        """Log in this form from here on, and with it Python's warnings and unexpected errors."""
        self.is_json = form is LogFormat.JSON
        self.setFormatter(json_formatter() if self.is_json else logging.Formatter(TEXT))
        logging.getLogger().setLevel(logging.INFO if self.is_json or self.verbose else logging.WARNING)
        logging.captureWarnings(self.is_json)
        sys.excepthook = _log_unexpected if self.is_json else sys.__excepthook__


def configure(form: LogFormat | None, *, verbose: bool = False) -> None:
    """Log to stderr in this form from here on; None is text until `prefer` changes it.

    As JSON each record is one line with `ts` (ISO 8601, UTC), `level`, `logger`, `message` and the bound fields; an
    unexpected error is such a line, too. JSON is for programs, which choose by level themselves: it holds
    INFO, which text holds only when `verbose`.
    """
    root = logging.getLogger()
    for handler in _own_handlers():
        root.removeHandler(handler)
    root.addHandler(StderrHandler(form, verbose=verbose))


def prefer(form: LogFormat) -> None:
    """Log in the form that the settings name, unless `configure` got one. Nothing happens before `configure`."""
    for handler in _own_handlers():
        if handler.chosen is None:
            handler.set_form(form)


def is_json() -> bool:
    """Whether our handler writes JSON."""
    return any(handler.is_json for handler in _own_handlers())


def _own_handlers() -> list[StderrHandler]:
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, StderrHandler)]


def show(name: str) -> None:
    """Log INFO of this logger also as text that is not verbose."""
    logging.getLogger(name).setLevel(logging.INFO)


def adopt(form: LogFormat) -> None:
    """Give the root logger's stream handlers this form: for a process whose handlers another library has set.

    In a flow run those are Prefect's; what goes to Prefect's own server does not pass them, and to our records as
    text all of its handlers are given what is visible.
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
    """One JSON object a line."""
    from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415  30 ms that text does without

    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="ts",
    )


def _log_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("ca_etl").critical("unexpected %s", kind.__name__, exc_info=(kind, error, trace))

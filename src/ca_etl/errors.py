"""Errors that an operator can act on, each with the next command. Any other error is a defect with a traceback."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from ca_etl.sanitize import visible

# The command under way, as it was typed: the one to repeat once a file can be read or written. Prefect types none.
COMMAND: Final = ContextVar("COMMAND", default="ca-etl run")


def nearest_folder(path: Path) -> Path:
    """The folder `path` itself, or its nearest parent folder that exists: one that a next command can list."""
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.is_dir())


def counted(shown: int, noun: str, left_out: int = 0) -> str:
    """A number of things as text, with the number shown where some are left out: `5 rows (2 shown)`.

    >>> counted(1, "capture"), counted(2, "capture")
    ('1 capture', '2 captures')
    """
    count = shown + left_out
    return f"{count} {noun}{'s' * (count != 1)}{f' ({shown} shown)' if left_out else ''}"


class CaEtlError(Exception):
    """An error whose cause is outside the code, such as a full disk; the base class of all errors with a next command.

    `str(error)` names the problem and its file, URL or setting; `hint` is the next command, which can be copied as it
    is. In both, control characters are written as escapes, since Prefect shows them as they are.
    """

    exit_status: int = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(visible(message))
        self.hint = visible(hint)

    def __repr__(self) -> str:
        """The message alone: Prefect logs this form of an error, and an operator has no use for the name of a class."""
        return repr(str(self))


class UsageError(CaEtlError):
    """The command line or a setting has an invalid value."""

    exit_status = 2


def assert_in_order(first: date | None, last: date | None, *, hint: str) -> None:
    """Raise `UsageError` for a first day that is after the last one; None is any day."""
    if first and last and first > last:
        raise UsageError(f"{first:%Y-%m-%d} is after {last:%Y-%m-%d}", hint)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem outside the code, reported as data and not raised: a message and the next command to run."""

    message: str
    next_command: str

    def __str__(self) -> str:
        return f"{self.message}; next: {self.next_command}"

"""Errors that an operator can act on. Anything else is a defect and keeps its traceback."""

from __future__ import annotations

from dataclasses import dataclass

from ca_etl.sanitize import visible


class CaEtlError(Exception):
    """Something outside the code prevents what was requested.

    `str(error)` names the problem and its file, URL or setting, `hint` is the next command to run. People may read both
    where no stream of ours cleans them, as under Prefect, so that control characters are made visible here.
    """

    exit_status: int = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(visible(message))
        self.hint = visible(hint)


class UsageError(CaEtlError):
    """The command line or a setting has an impossible value."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """Something outside the code that is not as it should be, as data, and the next command to run."""

    message: str
    next_command: str

    def __str__(self) -> str:
        return f"{self.message}; next: {self.next_command}"

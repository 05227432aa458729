"""Errors that an operator can act on. Anything else is a defect and keeps its traceback."""

from __future__ import annotations

from dataclasses import dataclass

from ca_etl.sanitize import visible


class CaEtlError(Exception):
    """Something outside the code stands in the way.

    `str(error)` names the thing and the place, `hint` is the next command to run; both are for people, who may read
    them where no stream of ours is, as under Prefect: so words of a page or a server in them are made visible here.
    """

    exit_status: int = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(visible(message))
        self.hint = visible(hint)


class UsageError(CaEtlError):
    """The command line or a setting asks for something that makes no sense."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """Something outside the code that is not as it should be, as data, and the next command to run."""

    message: str
    next_command: str

    def __str__(self) -> str:
        return f"{self.message}; next: {self.next_command}"

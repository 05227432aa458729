"""Which alerts are open, and which messages wait: `<data_dir>/alerts.json`, written whole each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout
from pydantic import ConfigDict, TypeAdapter, ValidationError

from ca_etl.alerts.transitions import Delivery, OpenAlert
from ca_etl.errors import CaEtlError
from ca_etl.warehouse.files import read_if_there, storage, write_atomic

ALERTS_FILE: Final = "alerts.json"
LOCK_FILE: Final = ".alerts.lock"
# Longer than one process needs to send to three channels that all hang.
PATIENCE_SECONDS: Final = 120.0


class AlertsError(CaEtlError):
    """The alerts on disk cannot be read, or another process does not let go of them."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """The open alerts, and the deliveries that have not arrived, oldest first."""

    # An unknown field was written by a later version: dropping it would be silent.
    __pydantic_config__ = ConfigDict(extra="forbid")

    open: tuple[OpenAlert, ...] = ()
    waiting: tuple[Delivery, ...] = ()


def read(data_dir: Path) -> Alerts:
    """What is recorded; nothing without a file. Raises `AlertsError` when it is damaged, `StorageError`."""
    path = data_dir / ALERTS_FILE
    data = read_if_there(path)
    if data is None:
        return Alerts()
    try:
        return _adapter().validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise AlertsError(
            f"{path} is no list of alerts: {'.'.join(map(str, first['loc']))} {first['msg']}",
            f"mv {path} {path}.damaged (open alerts are then told once more)",
        ) from error


def write(data_dir: Path, alerts: Alerts) -> None:
    """Record `alerts`, durable on return, while `alerts_lock` is held. Raises `StorageError`."""
    write_atomic(data_dir / ALERTS_FILE, _adapter().dump_json(alerts, indent=1) + b"\n")


@contextmanager
def alerts_lock(data_dir: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Be the only one who looks and tells, from reading to the last sending.

    Raises `AlertsError` when another process holds the lock for longer than `patience` seconds, `StorageError`.
    """
    path = data_dir / LOCK_FILE
    with storage(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise AlertsError(
                f"{path} has been held by another process for {patience:g} seconds",
                "ca-etl alerts (again, later: what is to be told is not lost)",
            ) from None
    try:
        yield
    finally:
        lock.release()


@cache
def _adapter() -> TypeAdapter[Alerts]:
    return TypeAdapter(Alerts)

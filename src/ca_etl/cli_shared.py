"""What every command needs: the settings, and how to say something on stderr, to people or to programs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ca_etl import logs
from ca_etl.errors import UsageError
from ca_etl.sanitize import hide, json_escaped, redacted, visible

if TYPE_CHECKING:
    from ca_etl.pipeline.context import Progress
    from ca_etl.settings import Settings

log = logging.getLogger(__name__)


def load_settings() -> Settings:
    """The settings of environment and `.env`. Raises `UsageError` for one that makes no sense."""
    from pydantic import SecretStr, ValidationError
    from pydantic_settings import SettingsError

    from ca_etl.settings import Settings

    try:
        settings = Settings()
    except (SettingsError, UnicodeDecodeError) as error:
        lists = ", ".join(
            f"CA_ETL_{name}".upper()
            for name, field in Settings.model_fields.items()
            if _is_list(field.default)
        )
        raise UsageError(
            f'the settings cannot be read: {error} (a list is JSON, such as ["a", "b"]: {lists})',
            "env | grep CA_ETL_; cat .env",
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"CA_ETL_{'_'.join(map(str, first['loc']))}".upper()
        # what holds an @ may hold a password before it
        shown = "" if "@" in str(first["input"]) else f"={first['input']}"
        raise UsageError(f"{name}{shown}: {first['msg']}", "env | grep CA_ETL_") from error
    hide(value.get_secret_value() for _, value in settings if isinstance(value, SecretStr))
    logs.prefer(settings.log_format)
    return settings


def _is_list(default: object) -> bool:
    return isinstance(default, tuple)


def warn_of_misspelt_settings() -> None:
    """Log a warning for each `CA_ETL_*` variable that no setting has the name of."""
    from ca_etl.doctor.variables import misspelt, present

    for each in misspelt(present()):
        log.warning("%s; ca-etl doctor tells more", each)


def say(message: str, level: int = logging.INFO, hint: str = "") -> None:
    """One line on stderr and the next command to run; as JSON one record of this level with the field `next`."""
    if logs.is_json():
        logging.getLogger("ca_etl").log(level, message, extra={"next": hint} if hint else None)
        return
    # typer.echo would drop escapes where stderr is no terminal, and Rich's progress bar would take them for its own
    sys.stderr.write(visible(redacted(f"{message}\nnext: {hint}\n" if hint else f"{message}\n")))
    sys.stderr.flush()


def say_error(message: str, hint: str) -> None:
    """What went wrong, and the next command to run."""
    say(message if logs.is_json() else f"ca-etl: {message}", logging.ERROR, hint)


def print_json(value: object) -> None:
    """A dataclass on stdout, for programs."""
    from pydantic import TypeAdapter

    adapter: TypeAdapter[object] = TypeAdapter(type(value))
    typer.echo(json_escaped(adapter.dump_json(value, indent=2).decode()))


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """A progress bar on stderr once the work has lasted two seconds, nothing when stderr is no terminal."""
    from ca_etl.pipeline.context import silent

    if logs.is_json() or not sys.stderr.isatty():
        yield silent
        return
    from ca_etl.progress import bar_after

    with bar_after(seconds=2.0) as progress:
        yield progress

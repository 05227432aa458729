"""The settings of an installation, read from `CA_ETL_*` variables or a `.env` file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from dotenv import dotenv_values
from pydantic import Field, HttpUrl, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from ca_etl.errors import UsageError
from ca_etl.logs import LogFormat

NO_USER: Final = "the address has a user or password, which would be archived and published; leave it out"


class ArticleSource(StrEnum):
    """A source of whole articles in a daily run: the site's posts API, its feed, or the page of each article."""

    POSTS = "posts"
    FEED = "feed"
    PAGES = "pages"


class TaskRunner(StrEnum):
    """Where a flow parses a large archive: in processes or in threads of its machine, or on a cluster of Dask."""

    PROCESSES = "processes"
    THREADS = "threads"
    DASK = "dask"


class Settings(BaseSettings):
    """The settings of one installation, read once by each command or flow."""

    model_config = SettingsConfigDict(
        env_prefix="CA_ETL_",
        env_file=".env",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(
        Path("data"), description="Folder of the archive, the releases and the run journal."
    )
    site_url: HttpUrl = Field(
        HttpUrl("https://timesca.com/"), description="The site whose pages are captured."
    )
    listing_paths: tuple[str, ...] = Field(
        ("/", "/latest/", "/category/home/local-politics/", "/category/home/business-economy/"),
        description="Pages captured in every slot, relative to site_url.",
    )
    article_sources: tuple[ArticleSource, ...] = Field(
        (ArticleSource.POSTS, ArticleSource.FEED, ArticleSource.PAGES),
        description="Sources of whole articles, requested in this order until one gives them. Empty: no source.",
    )
    sources: tuple[str, ...] = Field(
        ("all",),
        description="Central banks requested in each daily run: nbk, nbkr, cbu, nbt, cbr, or all. Empty: none.",
    )
    article_pages: int = Field(
        20,
        ge=0,
        le=1000,
        description="Most article pages requested in a run, new and known, where posts API and feed do not suffice.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Hosts that a redirect may lead to, besides that of site_url with and without www."
    )
    contact: str = Field(
        "",
        pattern=r"^[\x20-\x7e]*$",
        description="Your mail address or web page, sent in the User-Agent; required for any site but loopback.",
    )
    timezone: str = Field("Asia/Almaty", description="Time zone of schedules and of pages without a date.")
    daily_cron: str = Field("0 7 * * *", description="Cron expression of the daily slot, in `timezone`.")
    sweep_cron: str = Field("30 9 * * 0", description="Cron expression of the weekly sweep, in `timezone`.")
    sweep_pages: int = Field(
        5, ge=2, le=100, description="Number of the last page that a sweep requests of each listing."
    )
    sweep_days: int = Field(
        90,
        ge=1,
        le=36_500,
        description="Age in days up to which articles are checked for deletion and their pages are requested again.",
    )
    sweep_most_missing: int = Field(
        10,
        ge=0,
        le=100,
        description="Percent of known articles that the list of a sweep may lack; a list that lacks more is ignored.",
    )
    stale_after_hours: float = Field(
        6.0,
        gt=0,
        le=1_000_000,
        description="Hours after which a slot without an observation is overdue (`ca-etl status --fail-if-stale`).",
    )
    trust_clock: bool = Field(
        default=False,
        description="Trust this machine's clock, although earlier data or the site contradict it (`--trust-clock`).",
    )
    min_interval_seconds: float = Field(
        5.0, ge=0, description="Least pause between two requests to one host."
    )
    commoncrawl_interval_seconds: float = Field(
        1.0, ge=0, description="Least pause between two requests to a host of Common Crawl, in a backfill."
    )
    # 24 requests a minute are the limit of its index
    wayback_interval_seconds: float = Field(
        5.0, ge=2.5, description="Least pause between two requests to the Wayback Machine, in a backfill."
    )
    connect_timeout_seconds: float = Field(10.0, gt=0, description="Most seconds to connect to a host.")
    read_timeout_seconds: float = Field(
        30.0, gt=0, description="Most seconds to wait for the next byte of a response."
    )
    max_attempts: int = Field(3, ge=1, description="Most requests for one URL, the first included.")
    backoff_seconds: float = Field(
        2.0, ge=0, description="Seconds to wait after a first failed request; doubled after each further one."
    )
    max_retry_after_seconds: float = Field(
        120.0, ge=0, description="Longest Retry-After, in seconds, after which a URL is requested again."
    )
    max_wire_bytes: int = Field(8_000_000, gt=0, description="Largest body of a response as sent, in bytes.")
    max_decoded_bytes: int = Field(
        32_000_000, gt=0, description="Largest body of a response after decompression, in bytes."
    )
    workers: int | None = Field(
        None,
        ge=1,
        description="Number of processes that parse a large archive. Default: one a CPU; 1: the run alone.",
    )
    task_runner: TaskRunner = Field(
        TaskRunner.PROCESSES,
        description="What flows parse a large archive with: processes or threads of their machine, or a dask cluster.",
    )
    parts_url: str = Field(
        "",
        description="Folder or fsspec URL where threads and Dask write what they parsed. Default: parts in data_dir.",
    )
    keep_releases: int = Field(7, ge=1, description="Number of releases kept; older releases are deleted.")
    keep_bytes: int | None = Field(
        None, gt=0, description="Bytes of all releases kept; older releases are deleted. No bound by default."
    )
    demo_port: int = Field(8808, ge=0, le=65535, description="Port of the demo site; 0 takes any free port.")
    log_format: LogFormat = Field(LogFormat.TEXT, description="Form of the log on stderr: text or json.")
    alert_webhook: SecretStr | None = Field(
        None,
        description="URL that alerts are posted to, in the form of Slack. Secret: whoever has the URL can post.",
    )
    alert_mail: SecretStr | None = Field(
        None,
        description="URL of the mail server for alerts: smtp://user@host:587 (STARTTLS) or smtps://user@host:465.",
    )
    alert_mail_password: SecretStr | None = Field(None, description="Password of the user in alert_mail.")
    alert_mail_from: str = Field(
        "", description="Sender address of alerts. Default: the user in alert_mail, if that is an address."
    )
    alert_mail_to: tuple[str, ...] = Field((), description="Addresses that alerts are mailed to.")
    alert_prefect_block: str = Field(
        "", description="Prefect notification block that flows send alerts to, such as slack-webhook/ca-etl."
    )
    # at most 35: three channels end before another process stops waiting for the lock (operate/alert_delivery.py)
    alert_timeout_seconds: float = Field(
        30.0,
        gt=0,
        le=35,
        description="Most seconds for sending to one channel after a run; the next run sends the remaining messages.",
    )
    alert_failed_runs: int = Field(
        2,
        ge=1,
        description="Failed runs in a row that raise an alert, where the site was away or the run was killed.",
    )
    alert_rejects_least: int = Field(
        3, ge=0, description="Largest number of rejects in a run that never raises an alert."
    )
    alert_rejects_times: float = Field(
        3.0,
        ge=1,
        description="Multiple of the usual rejects (the median of 20 runs) above which a run raises an alert.",
    )
    alert_missing_pages: int = Field(
        1, ge=1, description="Missing pages of a slot, above their usual number, that raise an alert."
    )

    @field_validator("data_dir", mode="before")
    @classmethod
    def _some_folder(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("the path is empty; leave the variable out for ./data, or give a folder")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError) as error:
            # "America" is a folder of the zone database, "../x" not a key
            raise ValueError(f"{name!r} is not a time zone such as Asia/Almaty") from error
        return name

    @field_validator("daily_cron", "sweep_cron")
    @classmethod
    def _cron_expression(cls, expression: str) -> str:
        try:
            next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"{expression!r} is not a cron expression such as 0 7 * * *") from error
        return expression

    @field_validator("alert_webhook", "alert_mail", "alert_mail_password", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("site_url")
    @classmethod
    def _no_user(cls, url: HttpUrl) -> HttpUrl:
        if url.username or url.password:
            raise ValueError(NO_USER)
        return url

    @field_validator("listing_paths")
    @classmethod
    def _some_paths_once_each(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if not paths:
            raise ValueError('the list is empty; at least one path is needed, such as ["/"]')
        if any("@" in urlsplit(path).netloc for path in paths):
            raise ValueError(NO_USER)
        return tuple(dict.fromkeys(paths))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of slots and days, by the setting `timezone`."""
        return ZoneInfo(self.timezone)

    @property
    def archive_dir(self) -> Path:
        """The folder of the archive, which has the WARC files."""
        return self.data_dir / "archive"


def read_settings(site: str | None = None) -> Settings:
    """Read the settings from environment and `.env`. `site` replaces `site_url` unless it is None.

    Raises `UsageError` for an invalid value.
    """
    given: dict[str, Any] = {} if site is None else {"site_url": site}
    try:
        return Settings(**given)
    except (SettingsError, UnicodeDecodeError) as error:
        lists = ", ".join(
            f"CA_ETL_{name}".upper()
            for name, field in Settings.model_fields.items()
            if isinstance(field.default, tuple)
        )
        raise UsageError(
            f'the settings cannot be read: {error} (a list is JSON, such as ["a", "b"]: {lists})',
            f"{NAMES_SET}; grep -o '^CA_ETL_[A-Z_]*' .env",
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "_".join(map(str, first["loc"]))
        variable = "--site" if name in given else f"CA_ETL_{name.upper()}"
        # a value with an @ may contain a password before it
        value = "" if "@" in str(first["input"]) else f"={first['input']}"
        origin = present_variables().get(variable, ENVIRONMENT)
        look = NAMES_SET if origin == ENVIRONMENT else f"grep {variable} {origin}"
        raise UsageError(f"{variable}{value}: {first['msg']}", look) from error


PREFIX: Final = "CA_ETL_"
# The names of the variables, without their values: some are secrets.
NAMES_SET: Final = "env | grep -o '^CA_ETL_[A-Z_]*'"
ENVIRONMENT: Final = "environment"


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A variable `CA_ETL_*` that is not a setting, with its origin (`environment` or a file) and a similar setting."""

    name: str
    origin: str
    meant: str | None

    def __str__(self) -> str:
        advice = f", did you mean {self.meant}?" if self.meant else ""
        return f"{self.name} ({self.origin}) is not a setting{advice}"


def misspelt(names: Mapping[str, str]) -> tuple[Misspelt, ...]:
    """The variables that are not settings, such as misspelt ones. `names` maps each variable to its origin."""
    known = sorted({f"{PREFIX}{name}".upper() for name in Settings.model_fields})
    unknown = {name: origin for name, origin in names.items() if name.upper() not in known}
    return tuple(
        Misspelt(name, origin, next(iter(get_close_matches(name.upper(), known, 1)), None))
        for name, origin in sorted(unknown.items())
    )


def present_variables() -> dict[str, str]:
    """The variables that begin with `CA_ETL_`, in upper or lower case, with their origin: `.env` or `environment`."""
    path = Path(str(Settings.model_config.get("env_file")))
    in_file = list(dotenv_values(path)) if path.is_file() else []
    origins = {name: str(path) for name in in_file} | dict.fromkeys(os.environ, ENVIRONMENT)
    return {name: origin for name, origin in origins.items() if name.upper().startswith(PREFIX)}

"""Every setting, one class. Values come from `CA_ETL_*` variables or a `.env` file."""

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

NO_USER: Final = "a user or password in an address would be archived and published; leave it out"


class ArticleSource(StrEnum):
    """A source of whole articles in a daily run: the posts API, the feed, the articles' own pages."""

    POSTS = "posts"
    FEED = "feed"
    PAGES = "pages"


class Settings(BaseSettings):
    """Settings of one installation. Made once by the command or the flow, and passed down."""

    model_config = SettingsConfigDict(
        env_prefix="CA_ETL_",
        env_file=".env",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(Path("data"), description="Archive, releases and the run journal.")
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
    article_pages: int = Field(
        20,
        ge=0,
        le=1000,
        description="Most pages of single articles in a run, new and known, where posts API and feed give too little.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Hosts a redirect may lead to, besides site_url's own with and without www."
    )
    contact: str = Field(
        "",
        pattern=r"^[\x20-\x7e]*$",
        description="Mail address or page in the User-Agent; required for any site but loopback.",
    )
    timezone: str = Field("Asia/Almaty", description="Zone of the schedules and of undated pages.")
    daily_cron: str = Field("0 7 * * *", description="Cron expression of the daily slot, in `timezone`.")
    sweep_cron: str = Field("30 9 * * 0", description="Cron expression of the weekly sweep, in `timezone`.")
    sweep_pages: int = Field(5, ge=2, le=100, description="The last page of each listing that a sweep reads.")
    sweep_days: int = Field(
        90,
        ge=1,
        le=36_500,
        description="Days of publication within which a sweep checks for deleted posts and known pages are read again.",
    )
    sweep_most_missing: int = Field(
        10,
        ge=0,
        le=100,
        description="Percent of the known posts that a sweep's list may lack and be believed; 100 believes any list.",
    )
    stale_after_hours: float = Field(
        6.0,
        gt=0,
        le=1_000_000,
        description="Hours after a slot from which missing data are stale (`ca-etl status --fail-if-stale`).",
    )
    trust_clock: bool = Field(
        default=False,
        description="Trust the clock, although the data or the dates of the site contradict it (`--trust-clock`).",
    )
    min_interval_seconds: float = Field(
        5.0, ge=0, description="Least pause between two requests to one host."
    )
    connect_timeout_seconds: float = Field(10.0, gt=0, description="Most seconds to connect to a host.")
    read_timeout_seconds: float = Field(30.0, gt=0, description="Most seconds without a byte of a response.")
    max_attempts: int = Field(3, ge=1, description="Attempts for one URL, the first included.")
    backoff_seconds: float = Field(
        2.0, ge=0, description="Pause after a first failed attempt; it doubles with each further one."
    )
    max_retry_after_seconds: float = Field(
        120.0, ge=0, description="A longer Retry-After ends the attempt loop."
    )
    max_wire_bytes: int = Field(8_000_000, gt=0, description="Cap on a body as sent.")
    max_decoded_bytes: int = Field(32_000_000, gt=0, description="Cap on a body once inflated.")
    keep_releases: int = Field(7, ge=1, description="Releases kept; older ones are pruned.")
    demo_port: int = Field(8808, ge=0, le=65535, description="Port of the demo site; 0 takes any.")
    log_format: LogFormat = Field(LogFormat.TEXT, description="Form of the log on stderr: text or json.")
    alert_webhook: SecretStr | None = Field(
        None,
        description="Address that alerts are posted to, as Slack takes them. Secret: it is its own password.",
    )
    alert_mail: SecretStr | None = Field(
        None, description="Mail server of alerts: smtp://user@host:587 (STARTTLS) or smtps://user@host:465."
    )
    alert_mail_password: SecretStr | None = Field(None, description="Password of alert_mail's user.")
    alert_mail_from: str = Field("", description="Sender of alerts. Default: alert_mail's user, an address.")
    alert_mail_to: tuple[str, ...] = Field((), description="Addresses that alerts are mailed to.")
    alert_prefect_block: str = Field(
        "", description="Prefect notification block that flows send alerts to, such as slack-webhook/ca-etl."
    )
    # at most 35: three channels are done before another process stops waiting for the lock (operate/alert_delivery.py)
    alert_timeout_seconds: float = Field(
        30.0,
        gt=0,
        le=35,
        description="Most seconds that a channel may take after a run; unsent messages wait for the next one.",
    )
    alert_failed_runs: int = Field(
        2,
        ge=1,
        description="Failures in a row for want of the site or by a kill from which there is an alert.",
    )
    alert_rejects_least: int = Field(
        3, ge=0, description="Up to so many rejects in a run are never an alert."
    )
    alert_rejects_times: float = Field(
        3.0,
        ge=1,
        description="More rejects than this many times the usual are an alert; usual is the median of 20 runs.",
    )
    alert_missing_pages: int = Field(
        1, ge=1, description="Pages beyond the usual number that a slot lacks, from which there is an alert."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError) as error:
            # "America" is a folder of the zone database, "../x" no key at all
            raise ValueError(f"no time zone {name!r}; a name is such as Asia/Almaty") from error
        return name

    @field_validator("daily_cron", "sweep_cron")
    @classmethod
    def _cron_expression(cls, expression: str) -> str:
        try:
            next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"no cron expression {expression!r}; one is such as 0 7 * * *") from error
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
            raise ValueError('at least one page is needed, such as ["/"]')
        if any("@" in urlsplit(path).netloc for path in paths):
            raise ValueError(NO_USER)
        return tuple(dict.fromkeys(paths))

    @property
    def zone(self) -> ZoneInfo:
        """The zone object of `timezone`."""
        return ZoneInfo(self.timezone)

    @property
    def archive_dir(self) -> Path:
        """Folder of the WARC files, written once."""
        return self.data_dir / "archive"


def read_settings(site: str | None = None) -> Settings:
    """The settings of environment and `.env`; `site` is the address that the option `--site` gives, None without it.

    Raises `UsageError` for an impossible value.
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
            "env | grep CA_ETL_; cat .env",
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "_".join(map(str, first["loc"]))
        variable = "--site" if name in given else f"CA_ETL_{name.upper()}"
        # what holds an @ may hold a password before it
        value = "" if "@" in str(first["input"]) else f"={first['input']}"
        raise UsageError(f"{variable}{value}: {first['msg']}", "env | grep CA_ETL_") from error


PREFIX: Final = "CA_ETL_"
# Read by the deployments: the folder that they are made from.
NO_SETTINGS: Final = frozenset({"CA_ETL_HOME"})


@dataclass(frozen=True, slots=True)
class Misspelt:
    """A variable without effect, its origin (`environment` or a file), and the setting that may be meant."""

    name: str
    origin: str
    meant: str | None

    def __str__(self) -> str:
        advice = f", did you mean {self.meant}?" if self.meant else ""
        return f"{self.name} ({self.origin}) is not a setting{advice}"


def misspelt(names: Mapping[str, str]) -> tuple[Misspelt, ...]:
    """Those of the variables that are not settings; `names` maps each variable to its origin."""
    known = sorted({f"{PREFIX}{name}".upper() for name in Settings.model_fields} | NO_SETTINGS)
    unknown = {name: origin for name, origin in names.items() if name.upper() not in known}
    return tuple(
        Misspelt(name, origin, next(iter(get_close_matches(name.upper(), known, 1)), None))
        for name, origin in sorted(unknown.items())
    )


def present() -> dict[str, str]:
    """The variables with our prefix, in upper or lower case, and the origin of each: `.env` or the environment."""
    path = Path(str(Settings.model_config.get("env_file")))
    in_file = list(dotenv_values(path)) if path.is_file() else []
    origins = {name: str(path) for name in in_file} | dict.fromkeys(os.environ, "environment")
    return {name: origin for name, origin in origins.items() if name.upper().startswith(PREFIX)}

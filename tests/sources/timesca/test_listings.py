from __future__ import annotations

import pytest

from ca_etl.errors import UsageError
from ca_etl.settings import Settings
from ca_etl.sources.session import fetch_policy
from ca_etl.sources.timesca.listings import targets


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


def test_pages_are_named_relative_to_the_site_with_or_without_its_last_slash() -> None:
    for site in ("https://timesca.com", "https://timesca.com/"):
        urls = targets(_settings(site_url=site, listing_paths=("/", "/latest/")))
        assert urls == ("https://timesca.com/", "https://timesca.com/latest/")


def test_a_sweep_requests_the_pages_after_the_first_of_every_listing() -> None:
    settings = _settings(site_url="https://timesca.com", listing_paths=("/", "/latest/"), sweep_pages=3)
    assert targets(settings, "sweep") == (
        "https://timesca.com/page/2/",
        "https://timesca.com/latest/page/2/",
        "https://timesca.com/page/3/",
        "https://timesca.com/latest/page/3/",
    )


def test_a_client_without_a_contact_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        fetch_policy(_settings())
    assert "CA_ETL_CONTACT" in refused.value.hint
    policy = fetch_policy(_settings(contact="ops@example.org"))
    assert policy.user_agent.startswith("ca_etl/")
    assert "ops@example.org" in policy.user_agent
    assert policy.allowed_hosts == {"timesca.com", "www.timesca.com"}
    assert policy.min_interval_seconds >= 1


def test_loopback_needs_no_contact() -> None:
    assert fetch_policy(_settings(site_url="http://127.0.0.1:8808/")).allowed_hosts >= {"127.0.0.1"}

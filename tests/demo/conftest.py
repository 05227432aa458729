from collections.abc import Iterator
from datetime import date

import pytest
import requests

from ca_etl.demo.site import DemoSite


@pytest.fixture
def site() -> Iterator[DemoSite]:
    with DemoSite(day=date(2025, 12, 5)) as running:
        yield running


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session

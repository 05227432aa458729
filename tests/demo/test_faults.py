import gzip
import http.client
import threading
import time
import zlib
from datetime import date
from urllib.parse import urlsplit

import pytest
import requests

from ca_etl.demo.content import ticker_of
from ca_etl.demo.faults import Fault
from ca_etl.demo.pages import CYCLES, PageOptions
from ca_etl.demo.site import DemoSite

DAY = date(2025, 12, 5)
NEXT_DAY = date(2025, 12, 6)


def test_an_unavailable_day_responds_503_to_every_page_but_robots(site, client):
    site.faults[DAY] = Fault(status=503)
    for path in ("", "latest/", "category/home/local-politics/"):
        response = client.get(site.base_url + path)
        assert response.status_code == 503
        assert "Retry-After" not in response.headers
    assert client.get(site.base_url + "robots.txt").status_code == 200
    site.play(NEXT_DAY)
    assert client.get(site.base_url).status_code == 200


def test_an_unavailable_response_can_have_a_retry_after(site, client):
    site.faults[DAY] = Fault(status=503, retry_after=0)
    assert client.get(site.base_url).headers["Retry-After"] == "0"


def test_a_fault_with_a_number_of_times_ends_after_them(site, client):
    site.faults[DAY] = Fault(status=503, times=2)
    assert [client.get(site.base_url).status_code for _ in range(4)] == [503, 503, 200, 200]


def test_a_forbidden_page_responds_403(site, client):
    site.faults[DAY] = Fault(status=403)
    assert client.get(site.base_url).status_code == 403


def test_a_fault_of_a_path_holds_on_any_day_and_nowhere_else(site, client):
    site.path_faults["/latest/"] = Fault(status=403)
    for day in (DAY, NEXT_DAY):
        site.play(day)
        assert client.get(site.base_url + "latest/").status_code == 403
        assert client.get(site.base_url).status_code == 200


def test_a_fault_of_a_day_can_be_narrowed_to_paths(site, client):
    site.faults[DAY] = Fault(status=403, paths=frozenset({"/"}))
    assert client.get(site.base_url).status_code == 403
    assert client.get(site.base_url + "latest/").status_code == 200


def test_robots_alone_can_be_unavailable(site, client):
    site.faults[DAY] = Fault(robots_status=503)
    assert client.get(site.base_url + "robots.txt").status_code == 503
    assert client.get(site.base_url).status_code == 200


def test_robots_stay_well_when_everything_else_is_broken(site, client):
    site.faults[DAY] = Fault(status=503, cut_gzip=True, no_ticker=True, delay_seconds=600)
    assert "Disallow: /wp-admin/" in client.get(site.base_url + "robots.txt", timeout=10).text


def test_a_cut_gzip_body_is_whole_to_the_transport_and_cut_inside(site):
    site.faults[DAY] = Fault(cut_gzip=True)
    connection = http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=10)
    connection.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    sent = response.read()
    connection.close()
    assert response.headers["Content-Length"] == str(len(sent))
    with pytest.raises(EOFError):
        gzip.decompress(sent)
    assert zlib.decompressobj(wbits=31).decompress(sent).startswith(b"<!DOCTYPE html>")


def test_a_rate_ten_times_too_high_is_in_every_cycle_and_nothing_else_changes(site, client):
    right = client.get(site.base_url).text
    site.faults[DAY] = Fault(rate_times_ten="TJS")
    wrong = client.get(site.base_url).text
    assert wrong.count("TJS/USD = 1.08570") == CYCLES
    assert wrong.replace("TJS/USD = 1.08570", "TJS/USD = 0.10857") == right


def test_a_page_with_a_fault_has_a_tag_of_its_own(site, client):
    right = client.get(site.base_url).headers["ETag"]
    site.faults[DAY] = Fault(rate_times_ten="KGS")
    again = client.get(site.base_url, headers={"If-None-Match": right})
    assert again.status_code == 200
    assert again.headers["ETag"] != right


def test_a_missing_ticker_leaves_the_date_line(site, client):
    site.faults[DAY] = Fault(no_ticker=True)
    page = client.get(site.base_url).text
    assert "/USD" not in page
    assert "05 December 2025" in page


def test_a_missing_date_line_leaves_the_ticker(site, client):
    site.faults[DAY] = Fault(no_date=True)
    page = client.get(site.base_url).text
    assert "05 December 2025" not in page
    assert page.count("KGS/USD = 0.01144") == CYCLES


def test_the_faults_of_a_day_and_of_a_path_can_meet(site, client):
    site.faults[DAY] = Fault(no_date=True)
    site.path_faults["/"] = Fault(no_ticker=True)
    page = client.get(site.base_url).text
    assert "05 December 2025" not in page
    assert "/USD" not in page


def test_a_slow_page_outlasts_an_impatient_client(site, client):
    site.faults[DAY] = Fault(delay_seconds=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.get(site.base_url, timeout=0.2)


def test_a_slow_page_comes_at_last(site, client):
    site.faults[DAY] = Fault(delay_seconds=0.2)
    started = time.monotonic()
    assert client.get(site.base_url).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_closing_does_not_wait_for_a_slow_page():
    slow = Fault(delay_seconds=600)
    started = time.monotonic()
    with DemoSite(day=DAY, faults={DAY: slow}) as site, pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(site.base_url, timeout=0.2)
    assert time.monotonic() - started < slow.delay_seconds
    assert not [thread for thread in threading.enumerate() if thread.name == "ca-etl-demo"]


def test_a_base_that_the_ticker_lacks_cannot_be_multiplied():
    with pytest.raises(ValueError, match="'EUR' is not a base in the ticker of 2025-12-05"):
        Fault(rate_times_ten="EUR").apply(PageOptions(DAY, ticker_of(DAY)))

import gzip
import http.client
import logging
import socket
import threading
from datetime import date
from urllib.parse import urlsplit

import pytest
from protego import Protego

from ca_etl.demo.content import FIRST_DAY, LAST_DAY, default_last_day, ticker_of
from ca_etl.demo.pages import CYCLES
from ca_etl.demo.site import DemoSite
from ca_etl.errors import CaEtlError, UsageError
from ca_etl.settings import Settings

NEXT_DAY = date(2025, 12, 6)


def raw_get(site, path="/", headers=None, method="GET"):
    """Status, headers and the body as sent: http.client decodes no content encoding."""
    connection = http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", Settings.model_fields["listing_paths"].default)
def test_every_default_listing_has_the_ticker_eight_times(site, client, path):
    response = client.get(site.base_url + path[1:])
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    for rate in ticker_of(site.day):
        assert response.text.count(f"{rate.pair} = {rate.rate}") == CYCLES


def test_playing_another_day_changes_the_page(site, client):
    before = client.get(site.base_url).text
    site.play(NEXT_DAY)
    after = client.get(site.base_url).text
    assert "05 December 2025" in before
    assert "06 December 2025" in after
    assert "05 December 2025" not in after


def test_the_same_day_gives_the_same_bytes_again(site, client):
    first = client.get(site.base_url)
    site.play(NEXT_DAY)
    client.get(site.base_url)
    site.play(date(2025, 12, 5))
    again = client.get(site.base_url)
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]


def test_two_sites_on_one_port_one_after_the_other_give_the_same_bytes():
    with DemoSite() as one:
        port, first = urlsplit(one.base_url).port, raw_get(one)[2]
    with DemoSite(port=port) as two:
        assert raw_get(two)[2] == first


def test_a_known_tag_gets_304_without_body(site):
    _, headers, _ = raw_get(site)
    status, again, body = raw_get(site, headers={"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    assert again["ETag"] == headers["ETag"]


def test_a_known_date_gets_304(site):
    _, headers, _ = raw_get(site)
    assert headers["Last-Modified"] == "Fri, 05 Dec 2025 01:00:00 GMT"
    status, _, _ = raw_get(site, headers={"If-Modified-Since": headers["Last-Modified"]})
    assert status == 304


def test_the_tag_of_yesterday_gets_the_page_of_today(site):
    _, headers, _ = raw_get(site)
    site.play(NEXT_DAY)
    conditions = {"If-None-Match": headers["ETag"], "If-Modified-Since": headers["Last-Modified"]}
    status, _, body = raw_get(site, headers=conditions)
    assert status == 200
    assert b"06 December 2025" in body


def test_a_foreign_tag_outweighs_a_known_date(site):
    _, headers, _ = raw_get(site)
    conditions = {"If-None-Match": '"other"', "If-Modified-Since": headers["Last-Modified"]}
    assert raw_get(site, headers=conditions)[0] == 200


def test_a_header_that_is_not_a_date_is_ignored(site):
    assert raw_get(site, headers={"If-Modified-Since": "yesterday"})[0] == 200


def test_gzip_is_sent_where_it_is_accepted(site):
    _, plain_headers, plain = raw_get(site)
    status, headers, sent = raw_get(site, headers={"Accept-Encoding": "br, gzip;q=0.8"})
    assert status == 200
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(sent) == plain
    assert len(sent) < len(plain) // 2
    assert headers["ETag"] == plain_headers["ETag"]


@pytest.mark.parametrize("accepted", ["", "identity", "gzip;q=0", "br"])
def test_gzip_is_not_sent_where_it_is_not_wanted(site, accepted):
    _, headers, body = raw_get(site, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in headers
    assert body.startswith(b"<!DOCTYPE html>")


def test_head_gives_the_headers_of_get_alone(site):
    _, get_headers, get_body = raw_get(site)
    status, headers, body = raw_get(site, method="HEAD")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len(get_body))
    assert headers["ETag"] == get_headers["ETag"]


def test_robots_allow_the_listings_and_request_no_delay(site, client):
    response = client.get(site.base_url + "robots.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=UTF-8"
    rules = Protego.parse(response.text)
    assert rules.can_fetch(site.base_url + "latest/", "ca_etl")
    assert not rules.can_fetch(site.base_url + "wp-admin/", "ca_etl")
    assert rules.crawl_delay("ca_etl") is None


def test_an_address_without_its_last_slash_moves_to_the_one_with_it(site):
    status, headers, _ = raw_get(site, "/latest")
    assert (status, headers["Location"]) == (301, site.base_url + "latest/")


def test_leftover_query_parameters_change_nothing(site):
    assert raw_get(site, "/page/2/?catid=14&id=6054")[2] == raw_get(site, "/page/2/")[2]


@pytest.mark.parametrize("path", ["/no-such-thing/", "//[", "/%00/", "/page/99999999/"])
def test_an_unknown_address_is_404_in_html(site, path):
    status, headers, body = raw_get(site, path)
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=UTF-8")
    assert b"Page not found" in body


def test_requests_are_logged_in_order_with_their_headers(site, client):
    client.get(site.base_url + "robots.txt", headers={"User-Agent": "ca_etl/test"})
    client.get(site.base_url + "latest/?x=1")
    assert [(r.method, r.path) for r in site.requests] == [("GET", "/robots.txt"), ("GET", "/latest/?x=1")]
    assert site.requests[0].headers["user-agent"] == "ca_etl/test"
    assert site.requests[0].arrived <= site.requests[1].arrived
    assert {r.day for r in site.requests} == {site.day}


def test_a_kept_connection_serves_several_pages(site):
    connection = http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    first = connection.sock
    connection.request("GET", "/latest/")
    assert connection.getresponse().read()
    assert connection.sock is first
    connection.close()


def test_closing_ends_every_thread_even_with_an_idle_connection(caplog):
    before = set(threading.enumerate())
    with DemoSite() as site:
        host, port = urlsplit(site.base_url).hostname, urlsplit(site.base_url).port
        idle = socket.create_connection((host, port), timeout=10)
        idle.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
    assert set(threading.enumerate()) == before
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=10)
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


def test_a_site_that_is_down_has_no_address():
    with DemoSite() as site:
        assert site.base_url.startswith("http://127.0.0.1:")
    with pytest.raises(RuntimeError, match="not running"):
        _ = site.base_url


def test_a_taken_port_is_an_error_that_names_it(site):
    port = urlsplit(site.base_url).port
    with pytest.raises(CaEtlError, match=rf"127\.0\.0\.1:{port}: .*in use") as caught, DemoSite(port=port):
        pass
    assert "CA_ETL_DEMO_PORT=0" in caught.value.hint


def test_the_site_starts_on_the_last_day_of_the_default_history():
    assert DemoSite().day == default_last_day()


@pytest.mark.parametrize("day", [FIRST_DAY, LAST_DAY])
def test_both_ends_of_the_history_can_be_played(site, client, day):
    site.play(day)
    assert client.get(site.base_url).status_code == 200


def test_a_day_outside_the_history_cannot_be_played(site):
    with pytest.raises(UsageError, match="2026-02-26"):
        site.play(date(2026, 2, 26))
    assert site.day == date(2025, 12, 5)


def test_the_site_logs_below_warning_only(site, client, caplog, capfd):
    with caplog.at_level(logging.DEBUG, logger="ca_etl.demo"):
        client.get(site.base_url)
        client.get(site.base_url + "nope/")
    ours = [record for record in caplog.records if record.name.startswith("ca_etl")]
    assert ours
    assert {record.levelno for record in ours} == {logging.DEBUG}
    assert capfd.readouterr() == ("", "")

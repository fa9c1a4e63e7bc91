"""Which base URLs are allowed."""

import pytest

from core.errors import InvalidRequest
from core.providers.addresses import check_base_url

INTERNAL = [
    "http://localhost:11434/v1",
    "http://LOCALHOST./v1",
    "http://api.localhost",
    "http://ollama:11434",
    "http://box.local",
    "http://db.internal",
    "http://127.0.0.1:8000",
    "http://127.1",
    "http://2130706433",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://0.0.0.0",
    "http://10.1.2.3",
    "http://172.16.0.1",
    "http://192.168.1.1",
    "http://169.254.169.254/latest/meta-data",
    "http://100.64.0.1",
    "http://224.0.0.1",
    "http://[::1]:8080",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:10.0.0.1]",
    "http://[fd00::1]",
    "http://[fe80::1%25eth0]",
    "http://[2002:7f00:1::]",
]


@pytest.mark.parametrize("url", INTERNAL)
def test_an_internal_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="inside the network"):
        check_base_url(url, ())


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://api.example.com:8080/v1",
        "https://8.8.8.8/v1",
        "https://[2606:4700::1111]/v1",
        "https://local.example.com",
        "https://münchen.example/v1",
    ],
)
def test_a_public_address_is_allowed(url: str) -> None:
    assert check_base_url(url, ()) == url


def test_a_listed_internal_host_is_allowed_at_any_port() -> None:
    hosts = ("localhost", "127.0.0.1", "::1", "Ollama")
    for url in ("http://localhost:1/v1", "http://127.0.0.1:2", "http://[::1]:3/v1", "http://ollama:11434/v1"):
        assert check_base_url(url, hosts) == url


def test_listing_one_internal_host_does_not_allow_another() -> None:
    with pytest.raises(InvalidRequest):
        check_base_url("http://10.0.0.2", ("10.0.0.1",))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://example.com", "begin with https"),
        ("file:///etc/passwd", "begin with https"),
        ("api.openai.com/v1", "begin with https"),
        ("", "begin with https"),
        ("https://", "name a host"),
        ("https://exa mple.com", "name a host"),
        ("https://user:password@example.com", "user name or password"),
        ("https://example.com/v1?key=1", "query"),
        ("https://example.com/v1#x", "fragment"),
        ("https://[::1", "malformed"),
        ("https://example.com:99999", "malformed"),
    ],
)
def test_a_url_that_is_none_is_refused_with_a_clear_sentence(url: str, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        check_base_url(url, ())


def test_spaces_around_and_a_slash_at_the_end_are_taken_off() -> None:
    assert check_base_url("  https://api.example.com/v1/ ", ()) == "https://api.example.com/v1"

"""The pure parts of the components: money and time as text, cells, addresses, and what gets escaped."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dashboard.components import cells, money, status, time
from dashboard.components.header import initials
from dashboard.components.html import safe_href
from dashboard.components.markup import element

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 19, 13, 1, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "No price"),
        ("0", "Free"),
        ("1234.56", "$1,234.56"),
        ("0.01", "$0.01"),
        ("0.0034", "$0.0034"),
        ("0.00799", "$0.0080"),
        ("0.000412", "$0.00041"),
        ("0.000000001", "$0.0000000010"),
        ("0.000996", "$0.0010"),
        ("0.00999", "$0.01"),
        ("0.005", "$0.0050"),
        ("-12.5", "−$12.50"),
        ("-0.0034", "−$0.0034"),
        ("999999.995", "$1,000,000.00"),
    ],
)
def test_dollars_are_never_zero_for_what_is_not(amount: str | None, text: str) -> None:
    assert money.format_usd(None if amount is None else Decimal(amount)) == text


def test_dollars_in_sums_gains_and_ranges() -> None:
    assert money.format_usd(Decimal(0), zero="$0.00") == "$0.00"
    assert money.format_usd(Decimal("212.38"), signed=True) == "+$212.38"
    assert money.format_usd_range(Decimal("0.01"), Decimal("0.03")) == "$0.01–0.03"
    assert money.format_usd_range(Decimal("0.02"), Decimal("0.02")) == "$0.02"
    assert money.format_price(Decimal(3)) == "$3.00 / 1M tokens"
    assert money.format_price(None) == "No price"
    assert money.format_price(Decimal(0), "image") == "Free"


def test_credits() -> None:
    assert money.format_credits(1250) == "1,250 cr"
    assert money.format_credits_signed(500) == "+500 cr"
    assert money.format_credits_signed(-120) == "\N{MINUS SIGN}120 cr"
    assert money.format_credits_signed(0) == "0 cr"
    assert money.format_credits_range(4, 9) == "4–9 cr"
    assert money.format_credits_range(4, 4) == "4 cr"
    assert money.format_count(10_000, at_least=True) == "10,000+"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.987, "98.7 %"),
        (0.9999, "99.9 %"),
        (0.0001, "0.1 %"),
        (1.2, "120.0 %"),
        (-0.05, "−5.0 %"),
    ],
)
def test_a_percentage_is_all_or_nothing_only_when_it_is(share: float, text: str) -> None:
    assert money.format_percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"),
        (20, "20 s ago"),
        (540, "9 min ago"),
        (7200, "2 h ago"),
        (3 * 86400, "3 d ago"),
        (-38, "in 38 s"),
        (31 * 86400, "2026-10-19"),
    ],
)
def test_times_are_relative_under_a_month(seconds: int, text: str) -> None:
    assert time.relative(NOW - timedelta(seconds=seconds), NOW, BERLIN) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.0004, "0.4 ms"),
        (0.084, "84 ms"),
        (0.41, "0.4 s"),
        (12.4, "12.4 s"),
        (59.96, "1m 00s"),
        (144, "2m 24s"),
        (4320, "1h 12m"),
        (190000, "2d 4h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert time.duration(seconds) == text
    assert time.duration(timedelta(seconds=seconds)) == text


def test_moments_stand_in_the_zone_asked_for() -> None:
    assert time.absolute(NOW, BERLIN) == "2026-11-19 14:01:32"
    assert time.clock(NOW, BERLIN) == "14:01:32"
    assert time.clock_or_day(NOW - timedelta(days=1), BERLIN, NOW) == "11-18 14:01"
    assert time.day(datetime(2026, 11, 18, 23, 30, tzinfo=UTC), BERLIN) == "2026-11-19"
    assert time.iso(NOW) == "2026-11-19T13:01:32Z"
    assert time.zone_name(BERLIN) == "Europe/Berlin"


def test_an_unknown_state_is_said_not_hidden() -> None:
    assert status.health("exploded") is status.UNKNOWN
    assert status.generation("timed_out").word == "Timed out"


def test_a_cell_says_what_a_reader_sees() -> None:
    cell = [
        cells.Bit("gpt-6.1-sol", "strong"),
        ["Anthropic", cells.Bit(icon="arrow_forward", label="then"), "OpenAI"],
    ]
    assert cells.words(cell) == "gpt-6.1-sol Anthropic then OpenAI"
    assert cells.lines("plain") == [[{"t": "plain"}]]
    assert cells.chip(status.HEALTHY).data() == {"t": "Healthy", "c": "pu-chip is-ok", "i": "check_circle"}


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        " JavaScript:x",
        "data:text/html,x",
        "//evil.example",
        "/\\evil.example",
        "vbscript:x",
        "",
    ],
)
def test_an_address_that_is_no_page_leads_nowhere(href: str) -> None:
    assert safe_href(href) == "#"


@pytest.mark.parametrize(
    "href", ["/users/1", "?tab=keys", "#main", "https://x.example/", "mailto:a@b.example"]
)
def test_an_address_of_a_page_stays(href: str) -> None:
    assert safe_href(href) == href


def test_a_drawing_escapes_text_and_attributes() -> None:
    drawn = element("text", "<script>", title='"><img src=x>', x=1)
    assert drawn == '<text title="&quot;&gt;&lt;img src=x&gt;" x="1">&lt;script&gt;</text>'
    assert element("g", drawn) == f"<g>{drawn}</g>"


def test_initials() -> None:
    assert initials("Mira Keller") == "MK"
    assert initials("mira.keller@northlight.example") == "MK"
    assert initials("info@vogel.example") == "I"
    assert initials("123") == "?"

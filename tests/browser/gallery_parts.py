"""Figures, charts, chips, tabs, states and tables in full, empty, loading and error."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from dashboard.components import money, stat, states, time, toast
from dashboard.components.button import Button, IconButton
from dashboard.components.card import Card
from dashboard.components.cells import Bit, bar, chip
from dashboard.components.chart import Axis, Bars, Fill, Line, Series, legend
from dashboard.components.choice import Choice, Tabs
from dashboard.components.echart import EChart
from dashboard.components.facts import Strip
from dashboard.components.html import Node, link
from dashboard.components.spark import ticks
from dashboard.components.status import (
    ACCOUNT,
    BREAKER,
    GENERATION,
    HEALTH,
    REFUNDED,
    SEVERITY,
    SKIPPED,
    STREAMING,
    Chip,
    tag,
)
from dashboard.components.table import Column, DataTable, Row, Sort
from dashboard.shell import Page

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 19, 13, 1, 32, tzinfo=UTC)
UPTIME: tuple[Fill, ...] = ("ok", "ok", "ok", "ok", "ok", "ok", "warn", "bad", "ok", "probe", "ok", "ok")
SPARK = [5, 6, 5, 7, 6, 4, 3, 4, 3, 5, 6, 5, 7, 8]
SPENT = [56, 86, 90, 88, 89, 80, 60, 58, 90, 90, 87, 90, 85, 63, 58, 93, 93, 90, 53]
COMING = [0] * 18 + [40, 86, 64, 60, 95, 95, 92, 96, 89, 66, 62, 95]


def build(page: Page) -> None:
    with page.actions:
        Button(
            "Last 24 h",
            lambda: toast.toast("Saved", undo=lambda: None),
            icon="calendar_today",
            after="arrow_drop_down",
        )
        Button("Add provider", lambda: toast.toast("Something failed", "bad"), icon="add", kind="primary")
    with Node("div", "", "pu-stack"):
        with stat.stats():
            stat.Stat("Success, 24 h", "98.7", "%", sub="103 of 8,154 failed", spark=SPARK)
            stat.Stat("p95 latency, text", "4.3", "s", sub="+0.4 s on yesterday", spark=SPARK[::-1])
            stat.Stat("Queue age", "41", "s", sub="12 pending · workers 4/4", spark=SPARK)
            stat.Stat("Spend in November", "$1,502.76", sub="60 % of $2,500.00", meter=0.6, href="/costs")
            stat.Stat("Credits used, 24 h", "23,751", "cr", sub="worth $237.51", spark=SPARK)
        with Node("div", "", "pu-cols").style("--least: 400px"):
            _spend()
            _echart()
        Strip(
            [
                ("Plan", "Pro", "renews 2026-12-01"),
                ("Balance", "1,250 cr", "nothing held"),
                ("Use 7 d", "486 cr", "92 generations"),
            ]
        )
        _words()
        _users()


def _spend() -> None:
    card = Card("Spend per day")
    with card.end:
        legend(("spent", "s1"), ("forecast", "forecast"))
    with card.body:
        axis = Axis(
            120,
            [(0, "$0"), (40, "$40"), (80, "$80"), (120, "$120")],
            [(0, "1"), (7, "8"), (14, "15"), (18, "today"), (28, "29")],
            36,
        )
        Bars(
            "Spend per day in November, in dollars",
            [f"{day} Nov" for day in range(1, 31)],
            [Series("spent", "s1", SPENT), Series("forecast", "forecast", COMING)],
            axis,
            height=102,
            line=Line(83.33, "Budget $83.33 a day"),
        )


def _echart() -> None:
    with Card("Margin per day").body:
        days, values = ["1", "2", "3", "4"], [62.0, 61.2, 63.4, 58.9]
        options = {
            "xAxis": {"type": "category", "data": days},
            "yAxis": {"type": "value"},
            "series": [{"type": "line", "data": values}],
        }
        EChart(
            "Margin per day, in percent",
            options,
            ["Day", "Margin"],
            [[d, f"{v} %"] for d, v in zip(days, values, strict=True)],
            height=122,
        )


def _words() -> None:
    tabs = Tabs(
        "Words",
        {"status": Choice("Status"), "money": Choice("Money", count="7"), "time": Choice("Time")},
        "status",
    )
    with tabs.panel("status"), Node("div", "", "pu-row is-wrapping"):
        for family in (HEALTH, GENERATION, BREAKER, SEVERITY, ACCOUNT):
            for status in family.values():
                Chip(status)
        for status in (REFUNDED, STREAMING, SKIPPED):
            Chip(status)
        tag("+120 cr", "ok")
        ticks(UPTIME, "Last 24 h: 1 warning, 1 outage")
    with tabs.panel("money"), Node("p"):
        amounts = [None, "0", "0.0034", "0.00041", "0.008", "1234.56", "-12.5"]
        Node(
            "span",
            " · ".join(money.format_usd(None if amount is None else Decimal(amount)) for amount in amounts),
        )
        Node(
            "span",
            f" · {money.format_credits(1250)} · {money.format_credits_signed(500)} · {money.format_credits_signed(-120)}",
        )
    with tabs.panel("time"), Node("p"):
        for ago in (0, 20, 540, 7200, 300000, 9000000):
            time.Moment(NOW - timedelta(seconds=ago), NOW, BERLIN)
            Node("span", " · ")
        Node("span", " · ".join(time.duration(seconds) for seconds in (0.084, 12.4, 144, 4320, 190000)))


def _users() -> None:
    columns = [
        Column("user", "User", link=True, card="title", sort=True),
        Column("status", "Status", 120, card="status"),
        Column("plan", "Plan", 100),
        Column("balance", "Balance", 110, "end", sort=True, card="key"),
        Column("share", "Share", 150),
        Column("failed", "Failures 7 d", 120, "end", sort=True, card="meta"),
        Column("act", "Actions", 90, "end", silent=True),
    ]
    table = DataTable("Users", columns)
    rows = [
        Row(
            str(n),
            [
                mail,
                chip(ACCOUNT["active"]),
                plan,
                [[f"{balance:,}", Bit("cr", "quiet")]],
                [[bar(part), f"{part} %"]],
                str(failed),
                Bit("Retry", action="retry"),
            ],
            href=f"/?user={n}",
        )
        for n, (mail, plan, balance, part, failed) in enumerate(
            [
                ("api@lumenlabs.example", "Unlimited", 9350, 35.1, 31),
                ("lea.morel@studio-kite.example", "Unlimited", 14206, 22.0, 12),
                ("<img src=x onerror=alert(1)>", "Creator", 88, 3.4, 9),
            ]
        )
    ]
    total = Row("total", ["Total", "", "", [["23,644", Bit("cr", "quiet")]], "", "52", ""], look="total")
    table.show_rows([*rows, total], sort=Sort("failed"), foot="1–50 of 10,000+", next_page="?after=x")
    table.on_action(lambda row, action: toast.toast(f"{action} {row}")).on_open(table.choose)
    table.mark_old("2 min old: the database did not answer. Trying again.")


def build_states(page: Page) -> None:
    with page.actions:
        IconButton("more_vert", "More", lambda: None)
    columns = [
        Column("a", "Name", link=True, card="title"),
        Column("b", "Status", 140, card="status"),
        Column("c", "Cost", 100, "end", card="key"),
    ]
    with Node("div", "", "pu-cols").style("--least: 420px"):
        DataTable("Loading", columns, skeletons=4)
        with DataTable("Empty", columns).show_state():
            states.empty(
                "No generations yet",
                "Every request to a model becomes a row here.",
                action=Button("Run a sample", kind="primary"),
            )
        with DataTable("Filtered", columns).show_state():
            states.no_match("generation", ["status failed", "13:25–13:32"], lambda: None)
        with DataTable("Broken", columns).show_state():
            states.failed(
                "The database did not answer within 3 s.", request_id="0191a7c2", on_retry=lambda: None
            )
        with Card().body:
            states.not_permitted("Costs", role="tester", needs=["superadmin"])
        with Card("Something", note="loading").body:
            states.skeleton()
        with Card("Not found").body:
            states.not_found("generation")
            link("All generations", "/generations")

"""The Generations page of mock-up 09, with invented rows."""

from collections.abc import Mapping, Sequence

from dashboard.components import filters, toast
from dashboard.components.button import IconButton
from dashboard.components.card import Card
from dashboard.components.cells import DASH, Bit, chip
from dashboard.components.chart import Axis, Band, Bars, Series, legend
from dashboard.components.html import Node
from dashboard.components.status import generation
from dashboard.components.table import Column, DataTable, Row, Sort
from dashboard.shell import Page
from tests.browser.gallery_data import DONE, FAILED_AT, ROWS
from tests.browser.gallery_pane import fill

COLUMNS = [
    Column("status", "Status", 114, card="status"),
    Column("created", "Created", 68, sort=True, card="meta"),
    Column("user", "User", 120),
    Column("model", "Model, provider", 144, link=True, card="title"),
    Column("cause", "Cause", 108),
    Column("took", "Took", 50, "end", sort=True),
    Column("credits", "Credits", None, "end", sort=True, card="key"),
]


def build(page: Page, query: Mapping[str, str]) -> None:
    with page.actions, Node("div", "", "is-second").style("font-size: 13px"):
        for bold, rest in (("12", " pending"), ("41 s", ""), ("4/4", "")):
            lead = {"12": "", "41 s": " · oldest ", "4/4": " · workers "}[bold]
            Node("span", lead)
            Node("span", bold, "is-strong")
            Node("span", rest)
    _histogram()
    _filters()
    table = DataTable("Generations", COLUMNS, row_height=48, beside=True)
    _show(table, Sort("created"))
    assert page.pane is not None
    pane = page.pane

    def choose(row_id: str) -> None:
        table.choose(row_id)
        fill(page)

    def sort(key: str) -> None:
        _show(table, Sort(key, down=not (table.props["sort"]["key"] == key and table.props["sort"]["down"])))

    table.on_open(choose).on_sort(sort).on_page(lambda way: toast.toast(f"Would turn to the {way} page"))
    pane.on_close(lambda: table.choose(None) and None)
    if query.get("sel", "5") != "none":
        choose(query.get("sel", "5"))


def _show(table: DataTable, sort: Sort) -> None:
    order = sorted(
        enumerate(ROWS),
        key=lambda pair: pair[1][{"created": 1, "took": 7, "credits": 8}[sort.key]],
        reverse=sort.down,
    )
    table.show_rows(
        [_row(number, row) for number, row in order],
        sort=sort,
        foot="1–11 of 68",
        previous_page="?p=0",
        next_page="?after=x",
    )


def _row(number: int, row: Sequence[str]) -> Row:
    status, created, user, domain, model, way, cause, took, credits, cost = row
    names = way.split("|")
    route = [
        names[0],
        *(bit for name in names[1:] for bit in (Bit(icon="arrow_forward", label="then"), name)),
    ]
    cells = [
        chip(generation(status)),
        Bit(created, title=f"2026-11-19 {created} Europe/Berlin", moment="2026-11-19T12:31:28Z"),
        [user, domain],
        [Bit(model, "strong"), route],
        cause or DASH,
        took,
        [credits, cost],
    ]
    return Row(str(number), cells, href=f"?sel={number}")


def _histogram() -> None:
    done = [int(word) for word in DONE.split()] + [10, 8, 9, 10, 9, 9]
    failed = [FAILED_AT.get(number, 0) for number in range(60)]
    names = [f"13:{number:02d}" for number in range(60)]
    card = Card("13:00–14:00, per minute", note="Europe/Berlin")
    with card.end:
        legend(("completed 537", "other"), ("failed 40", "bad"))
    with card.body:
        axis = Axis(17, [(0, "0"), (10, "10")], [(number, f"13:{number}") for number in (10, 20, 30, 40, 50)])
        series = [Series("completed", "other", done), Series("failed", "bad", failed)]
        bars = Bars(
            "Generations per minute, completed and failed",
            names,
            series,
            axis,
            height=59,
            bands=[Band(25, 31)],
        )
        bars.on_brush(lambda first, last: toast.toast(f"{names[first]}–{names[last]}", "info"))
    card.style("margin-bottom: 16px")
    card.head.style("min-height: 36px")
    card.body.style("padding-bottom: 5px")


def _filters() -> None:
    with filters.Filters() as row:
        filters.search("Id or e-mail", on_search=lambda said: None)
        filters.FilterChip("13:25–13:32", lambda: None)
        filters.FilterMenu("Status", {"failed": "Failed", "completed": "Completed"}, None, lambda value: None)
        filters.FilterMenu("Provider", {"openai": "OpenAI", "gemini": "Gemini"}, None, lambda value: None)
        with row.end():
            IconButton("bookmark", "Save this view", lambda: None)
            IconButton("download", "Download as CSV", lambda: None)

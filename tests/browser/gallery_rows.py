"""The Generations page of mock-up 09, with invented rows."""

from collections.abc import Mapping

from dashboard.components import filters, toast
from dashboard.components.button import Button, IconButton
from dashboard.components.card import Card
from dashboard.components.cells import DASH, Bit, chip
from dashboard.components.chart import Axis, Band, Bars, Series, legend
from dashboard.components.facts import Box, Facts, Trio
from dashboard.components.html import Icon, Node, link
from dashboard.components.status import Chip, generation
from dashboard.components.table import Column, DataTable, Row, Sort
from dashboard.components.waterfall import Attempt, Skip, Waterfall
from dashboard.shell import Page

DONE = "9 10 9 9 11 10 12 7 10 7 8 9 10 10 8 13 11 7 10 9 8 12 8 6 10 8 7 10 8 12 9 9 7 11 6 9 3 9 4 4 4 4 5 13 8 8 9 11 9 10 12 9 11 8"
FAILED_AT = {3: 1, 9: 1, 14: 1, 20: 1, 22: 1, 25: 2, 26: 4, 27: 4, 28: 7, 29: 6, 30: 6, 31: 2, 38: 1, 47: 1}

ROWS = [
    (
        "completed",
        "13:31:28",
        "noah.fischer",
        "brightside.example",
        "gpt-6.1-sol",
        "Anthropic|OpenAI",
        "",
        "3.6 s",
        "2 cr",
        "$0.0088",
    ),
    (
        "completed",
        "13:31:21",
        "kim.sato",
        "halcyon.example",
        "flux-schnell",
        "Replicate",
        "",
        "3.1 s",
        "1 cr",
        "$0.0080",
    ),
    (
        "completed",
        "13:31:16",
        "tomas.reyes",
        "fernweh.example",
        "gemini-3.8-flash",
        "Anthropic|Gemini",
        "",
        "12.9 s",
        "2 cr",
        "$0.0014",
    ),
    (
        "failed",
        "13:31:08",
        "info",
        "vogel.example",
        "gemini-3-pro-image",
        "Gemini",
        "content_blocked",
        "6.2 s",
        "0 cr",
        "$0.0021",
    ),
    (
        "cancelled",
        "13:31:02",
        "lea.morel",
        "studio-kite.example",
        "gemini-omni-1.2-flash",
        "Gemini",
        "by the user",
        "8.4 s",
        "0 cr",
        "none",
    ),
    (
        "failed",
        "13:30:57",
        "mara.lindqvist",
        "northlight.example",
        "claude-opus-5-5",
        "Anthropic",
        "overloaded",
        "12.4 s",
        "0 cr",
        "none",
    ),
    (
        "completed",
        "13:30:52",
        "dana.okafor",
        "studio-nine.example",
        "gpt-6-luna",
        "OpenAI",
        "",
        "1.4 s",
        "2 cr",
        "$0.00041",
    ),
    (
        "completed",
        "13:30:49",
        "paul.brandt",
        "northlight.example",
        "gpt-image-2.5-flare",
        "OpenAI",
        "",
        "17.8 s",
        "24 cr",
        "$0.17",
    ),
    (
        "failed",
        "13:30:44",
        "api",
        "lumenlabs.example",
        "claude-sonnet-5-5",
        "Anthropic",
        "overloaded",
        "9.1 s",
        "0 cr",
        "none",
    ),
    (
        "completed",
        "13:30:40",
        "sofia.marin",
        "fernweh.example",
        "deepseek-v4-pro",
        "DeepSeek",
        "",
        "7.2 s",
        "3 cr",
        "$0.0053",
    ),
    (
        "completed",
        "13:30:33",
        "ben.wolter",
        "halcyon.example",
        "gpt-6.1-sol",
        "OpenAI",
        "",
        "3.3 s",
        "2 cr",
        "$0.0081",
    ),
]
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
        _fill(page)

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


def _row(number: int, row: tuple[str, ...]) -> Row:
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
    card.body.style("padding-bottom: 4px")


def _filters() -> None:
    with filters.Filters() as row:
        filters.search("Id or e-mail", on_search=lambda said: None)
        filters.filter_chip("13:25–13:32", lambda: None)
        filters.FilterMenu("Status", {"failed": "Failed", "completed": "Completed"}, None, lambda value: None)
        filters.FilterMenu("Provider", {"openai": "OpenAI", "gemini": "Gemini"}, None, lambda value: None)
        with row.end():
            IconButton("bookmark", "Save this view", lambda: None)
            IconButton("download", "Download as CSV", lambda: None)


def _fill(page: Page) -> None:
    assert page.pane is not None
    with page.pane.fill("claude-opus-5-5, text") as pane:
        with pane.actions:
            IconButton("keyboard_arrow_up", "Previous row", lambda: None)
            IconButton("keyboard_arrow_down", "Next row", lambda: None)
            IconButton("link", "Copy link", lambda: toast.toast("Link copied"))
        with pane.sub:
            Chip(generation("failed"))
            Node("span", "2026-11-19 13:30:57")
            Node("span", "·", "is-quiet")
            link("mara.lindqvist@northlight.example", "/users/1")
        with pane.section("What happened"):
            with Box("bad"):
                facts = Facts(
                    {
                        "Cause": "",
                        "Whose fault": "The vendor’s, not the user’s",
                        "Charged": "Nothing; 8 cr were held and came back",
                        "Next step": "Retry with fallback, or wait for the probe at 14:02:10",
                    }
                )
                with facts.value("Cause"):
                    Node("b", "Anthropic was overloaded.", "is-strong")
                    Node(
                        "span",
                        " Four calls in 12.4 s were refused, and the caller allowed no other provider.",
                    )
            with Node("div", "", "pu-row").style("margin-top: 10px"):
                Button("Retry with fallback…", lambda: None, icon="refresh", kind="primary")
                Node("span", "2–6 cr ≈ $0.01–0.03, paid by the user", "pu-meta")
        with pane.section("Attempts", note="4 calls, 12.40 s of a 60 s deadline"):
            Waterfall(
                ATTEMPTS,
                [Skip("OpenAI", "caller allowed no fallback"), Skip("Gemini", "caller allowed no fallback")],
            )
            with Node("p", "", "pu-row").style("font-size: 13px; margin-top: 2px"):
                Icon("bolt", "is-bad")
                with Node("span", "Attempt 4 was failure 5 of 5: it "):
                    link("opened the breaker", "/providers?sel=anthropic")
                    Node("span", " at 13:31:10")
        with pane.section("Money"):
            Trio(
                [
                    ("Held 13:30:57", "8 cr"),
                    ("Released 13:31:10", "8 cr"),
                    ("Cost to us", "none, 529 is not billed"),
                ]
            )
        with pane.section("Input and output", note="1,184 tokens in, none out"):
            Node("p", PROMPT, "is-second").style("font-size: 13px")


PROMPT = "Rewrite chapter 3 so that Ilse finds the letter before the storm. <b>Keep</b> her voice dry, and end on the sound of the ferry horn."
ATTEMPTS = [
    Attempt("claude-opus-5-5", 0, 1.84, "529 overloaded", "bad"),
    Attempt("claude-opus-5-5", 2.94, 2.05, "529 overloaded", "bad", "after 1.1 s wait", 1.1),
    Attempt("claude-opus-5-5", 7.19, 1.67, "529 overloaded", "bad", "after 2.2 s wait", 2.2),
    Attempt("claude-sonnet-5-5", 8.92, 3.47, "529 overloaded", "bad", "fallback model of Anthropic"),
]

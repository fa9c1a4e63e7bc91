"""The Playground's controls of mock-up 11, a dialog as in 08, and the sign-in card of 13."""

from dashboard.components import fields, toast
from dashboard.components.button import Button
from dashboard.components.card import Card
from dashboard.components.cells import DASH, Bit, chip
from dashboard.components.choice import Choice, Segment
from dashboard.components.dialog import BeforeAfter, Dialog
from dashboard.components.facts import Box, Facts
from dashboard.components.html import Icon, Node
from dashboard.components.login_card import login_card
from dashboard.components.stat import Meter
from dashboard.components.status import STREAMING, Chip, generation, tag
from dashboard.components.table import Column, DataTable, Row
from dashboard.shell import Page

MODALITIES = {
    "text": Choice("Text", "text_fields"),
    "image": Choice("Image", "image"),
    "video": Choice("Video", "movie"),
    "audio": Choice("Audio", "graphic_eq"),
}
MODELS = {"gpt": "gpt-6.1-sol", "gemini": "gemini-3.8-flash", "claude": "claude-sonnet-5-5"}
ANSWER = "An octopus could break its heart twice and still have one to spare."


def build(page: Page) -> None:
    with page.head:
        Segment("Modality", MODALITIES, "text", lambda key: toast.toast(key, "info")).style(
            "margin-left: 12px"
        )
    page.actions.move(page.head)
    dialog = _dialog()
    with page.actions:
        tag("Test run, left out of revenue")
        Button("Blind", lambda: None, icon="visibility_off")
        Button("Adjust credits…", dialog.open, icon="toll")
    with Node("div", "", "pu-split"):
        with Card().body.style("padding: 16px"):
            _controls()
        with Node("div", "", "pu-stack"):
            with Node("div", "", "pu-cols").style("--least: 200px; gap: 12px"):
                for letter, name in zip("ABC", MODELS.values(), strict=True):
                    _answer(letter, name)
            _trace()


def _controls() -> None:
    with Node("div", "", "pu-stack").style("gap: 14px"):
        fields.area(
            "System prompt",
            value="You write for a family science channel. Short sentences, no jargon.",
            rows=2,
        )
        fields.area(
            "Prompt",
            value="Write a 60-second video script about why octopuses have three hearts.",
            rows=5,
            limit=4000,
        )
        for number, (key, name) in enumerate(MODELS.items()):
            fields.select(f"Model {'ABC'[number]}", MODELS, value=key, silent=number > 0, inside=name[:6])
        fields.slider("Temperature", low=0, high=2, step=0.1, value=0.7, note="A only, B and C have none")
        fields.number("Max tokens", value=1200, low=1, inline=True, width=92)
        fields.switch("Allow fallback", value=True)
        fields.switch("Deterministic")
        fields.checkbox("Remember these", value=True)
        fields.text("Name", validation={"A run needs a name": bool}).validate()
        with Box(lined=True):
            Facts(
                {
                    "Estimate": "4–9 cr ≈ $0.01–0.03",
                    "So far": "$0.0017",
                    "Test budget left": "$31.60 of $50.00",
                },
                ends=True,
            )
            Meter(0.63, "Test budget used").style("margin-top: 8px")
        with Node("div", "", "pu-row"):
            Button("Stop, keep output", lambda: None, icon="stop_circle").style("flex: 1")
            run = Button("Run", lambda: None, kind="primary")
            with run:
                Node("kbd", "Ctrl")
            run.disable("Stop the run first")


def _answer(letter: str, name: str) -> None:
    with Card().body:
        with Node("div", "", "pu-row"):
            Node("span", letter, "pu-letter")
            Node("span", name, "is-strong pu-grow").style("font-size: 13px")
            Chip(STREAMING if letter != "B" else generation("completed"))
        Node("p", ANSWER).style("margin-top: 12px; font-size: 13px")


def _trace() -> None:
    columns = [
        Column("mark", "Column", 48, silent=True),
        Column("candidate", "Candidate", card="title", link=True),
        Column("decision", "Decision", 130, card="status"),
        Column("took", "Took", 80, "end", card="key"),
        Column("why", "Why", 220),
    ]
    card = Card("Trace", note="5 steps, fallback order of text", ruled=True, flush=True)
    with card.end:
        Node("span", "running 6.2 s")
    with card.body:
        table = DataTable("Trace", columns, row_height=32, framed=False)
    rows = [
        Row(
            "1",
            [
                Bit("A", shape="letter"),
                [[Bit("OpenAI", "strong"), Bit("gpt-6.1-sol", "second")]],
                chip(STREAMING),
                "6.2 s",
                "named model",
            ],
        ),
        Row(
            "2",
            [
                Bit("B", shape="letter"),
                [[Bit("Gemini", "strong"), Bit("gemini-3.8-flash", "second")]],
                chip(generation("failed")),
                DASH,
                "429, Retry-After 1 s",
            ],
        ),
    ]
    table.show_rows(rows)


def _dialog() -> Dialog:
    dialog = Dialog(
        "Adjust credits",
        sub="mara.lindqvist@northlight.example · Pro",
        verb="Add 120 cr",
        on_confirm=lambda: toast.toast("120 cr added", undo=lambda: None),
        note="Saved once, also on a double click.",
    )
    with dialog.body:
        BeforeAfter("Balance", "1,250", "1,370", "cr", "+120 cr")
        with Node("div", "", "pu-row is-wrapping").style("gap: 12px; align-items: end"):
            with Node("div", "", "pu-field").style("flex: 1"):
                Node("span", "Direction", "pu-label")
                Segment(
                    "Direction", {"add": Choice("Add", "add"), "remove": Choice("Remove", "remove")}, "add"
                )
            with Node("div").style("flex: 1.3"):
                fields.number("Amount", value=120, low=1, suffix="cr")
        fields.select(
            "Reason code",
            {"goodwill": "Goodwill after failed generations", "other": "Other"},
            value="goodwill",
        )
        fields.area(
            "Note", value="Three failed in 24 h, one while Anthropic was overloaded.", rows=2, limit=500
        )
        with Node("p", "", "pu-row pu-meta"):
            Icon("verified_user", "is-ok")
            Node("span", "Within your limit of 5,000 cr; above it, another superadmin approves.")
    return dialog


def build_login(error: str) -> None:
    login_card(
        destination="generation",
        destination_id="8f3a41c2",
        return_to="/generations/8f3a41c2",
        email="mira.keller@northlight.example",
        error="E-mail or password is wrong." if error else "",
        foot="Times in Europe/Berlin · version 1.4.2",
    )

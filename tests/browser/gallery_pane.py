"""The pane of mock-up 09."""

from dashboard.components import toast
from dashboard.components.button import Button, IconButton
from dashboard.components.facts import Box, Facts, Trio
from dashboard.components.html import Icon, Node, link
from dashboard.components.status import Chip, generation
from dashboard.components.waterfall import Attempt, Skip, Waterfall
from dashboard.shell import Page


def fill(page: Page) -> None:
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
            with Node("p", "", "pu-row").style("font-size: 13px; margin-top: 3px"):
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

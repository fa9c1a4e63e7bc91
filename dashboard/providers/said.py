"""What the last test of a connection said, for as long as its provider is shown."""

from collections.abc import Callable, Sequence

from core.providers.config import KeyConfig
from core.providers.service import KeyTest
from dashboard.components.facts import Box
from dashboard.components.html import Node
from dashboard.components.status import Tone


class Said(Node):
    """A box above the tabs; empty until something was tested."""

    def __init__(self) -> None:
        super().__init__("div", "", "pu-pane-said", role="status")

    def say(self, tone: Tone, title: str, lines: Sequence[str]) -> None:
        """Shows other words."""
        self.clear()
        with self, Box(tone):
            Node("p", title, "is-strong")
            for line in lines:
                Node("p", line)

    def say_tests(self, tests: Sequence[KeyTest], name: Callable[[KeyConfig], str]) -> None:
        """How each key did, in the vendor's own words where it failed."""
        bad = [test for test in tests if not test.ok]
        slowest = max((test.latency_ms or 0 for test in tests), default=0)
        if not bad:
            keys = f", {len(tests)} keys" if len(tests) > 1 else ""
            words = f"{tests[0].words} This proves key and reach, not quota." if tests else ""
            self.say("ok", f"Connected in {slowest:.0f} ms{keys}", [words])
            return
        title = "Failed: " + _class(bad[0]) if len(tests) == 1 else f"{len(bad)} of {len(tests)} keys failed"
        self.say("bad", title, [_line(test, name, several=len(tests) > 1) for test in tests])


def _class(test: KeyTest) -> str:
    return test.failure.error_class.replace("_", " ") if test.failure else "not tested"


def _line(test: KeyTest, name: Callable[[KeyConfig], str], *, several: bool) -> str:
    words = f"The vendor said “{test.words}”." if test.failure else test.words
    if not several or test.key is None:
        return words
    return f"{name(test.key)}: " + (
        f"accepted in {test.latency_ms:.0f} ms" if test.ok else f"{_class(test)}. {words}"
    )

"""The most frequent causes of failure as ranked bars; each leads to its rows."""

from collections.abc import Sequence

from core.generation.explain import provider_name
from core.generation.figures import Cause
from dashboard.components.card import Card
from dashboard.components.html import Node, link
from dashboard.overview.charts import empty_note

ALL = "/generations?status=failed"


class Causes(Card):
    """`draw` fills it anew."""

    def __init__(self) -> None:
        super().__init__("Top causes of failure", ruled=True, flush=True)
        self._shown: tuple[Sequence[Cause], int] | None = None

    def draw(self, found: Sequence[Cause], failed: int) -> None:
        """Shows the causes of 24 hours; the same again changes nothing."""
        if self._shown == (found, failed):
            return
        self._shown = found, failed
        self.end.clear()
        self.body.clear()
        with self.end:
            if failed:
                link(f"All {failed:,} failed", ALL, "pu-link")
        with self.body:
            if not found:
                empty_note("Nothing failed in 24 hours.")
                return
            most = max(cause.count for cause in found)
            with Node("ol", "", "pu-causes"):
                for number, cause in enumerate(found, 1):
                    with Node("li"):
                        Node("span", str(number), "pu-meta", aria_hidden="true")
                        link(cause.cause, f"{ALL}&cause={cause.cause}", "pu-cause")
                        Node(
                            "span",
                            provider_name(cause.provider) if cause.provider else "before any call",
                            "is-second",
                        )
                        Node("span", "", "pu-rank", aria_hidden="true").style(
                            f"--part: {cause.count / most:.3f}"
                        )
                        Node("span", f"{cause.count:,}", "is-end")

"""The banner of a simulated outage, while it runs."""

from datetime import datetime, tzinfo

from core.providers.config import Drill, ProviderConfig
from dashboard.components.button import Button
from dashboard.components.html import Icon, Node
from dashboard.components.ticking import Elapsed, Tick, Ticking
from dashboard.components.time import clock
from dashboard.providers.actions import Actions


class DrillBanner(Node):
    """Hidden while nothing is simulated; at its end it goes by itself, in the browser too."""

    def __init__(self, actions: Actions | None, zone: tzinfo) -> None:
        super().__init__("section", "", "pu-why pu-drill is-probe", hidden=True)
        self._zone = zone
        self._shown: Drill | None = None
        with self:
            Icon("theater_comedy")
            with Node("div"):
                title = Node("h3", "Simulated outage, test traffic only")
                self._what = Node("p")
                self._next = Node("div")
                if actions:
                    with Node("div", "", "pu-row"):
                        Button("Stop the drill", actions.stop_drill, small=True)
        self.set(aria_labelledby=title.html_id)

    def show_drill(self, provider: ProviderConfig, now: datetime) -> None:
        drill = provider.drilled(now)
        if drill == self._shown:
            return
        self._shown = drill
        self.show(drill is not None)
        if drill is None:
            return
        error = drill.error_class.replace("_", " ") if drill.error_class else ""
        late = f"{drill.latency_ms:,} ms late" if drill.latency_ms else ""
        what = ", ".join(word for word in (f"calls end with {error}" if error else "", late) if word)
        self._what.set_text(f"{what[:1].upper()}{what[1:]}. {drill.reason}")
        self._next.clear()
        with self._next:
            at = clock(drill.ends_at, self._zone, seconds=False)
            with Node("div", "", "pu-why-next"), Node("span", "Ends by itself "):
                Ticking(Tick("until", drill.ends_at, "in {}", "now"), now)
                Node("span", f", at {at}")
            Elapsed(drill.started_at, drill.ends_at, now)

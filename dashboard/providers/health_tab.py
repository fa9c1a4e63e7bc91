"""The tab Health: figures, errors of 24 hours, uptime of 90 days, who carries the load, errors by class, score, probes."""

from datetime import datetime
from uuid import UUID

from core.providers.config import ProviderConfig
from core.providers.editing import ProviderChange, edit_provider
from core.routing.performance import NOTHING, Window
from core.routing.scores import Score
from core.system.board import BoardState, ModalityState, ProviderState
from core.vocabulary import Modality
from dashboard.components import fields
from dashboard.components.chart import legend
from dashboard.components.facts import Facts, Strip
from dashboard.components.html import Node
from dashboard.components.markup import Drawing, Markup, element, join
from dashboard.components.money import format_count, format_percent, format_usd
from dashboard.components.ticking import Tick, Ticking
from dashboard.components.time import duration
from dashboard.providers.charts import ErrorChart, Uptime
from dashboard.providers.desk import Desk
from dashboard.providers.past import Past
from dashboard.providers.words import skip_words, spend_note, spend_words


class HealthTab:
    """`show_state` and `show_past` change it in place."""

    def __init__(self, desk: Desk, provider_id: UUID) -> None:
        self._desk = desk
        self._id = provider_id
        self._figures = Strip(_figures(None, costs=desk.admin))
        with _Part("By modality, 1 h") as self._by_part:
            self._by = Drawing("table", Markup(), "pu-by")
        with _Part("Errors, last 24 h") as part:
            with part.head:
                legend(("errors", "bad"), ("breaker open", "band"))
            self._errors = ErrorChart(desk.screen.zone)
        with _Part("Uptime, 90 days") as part:
            with part.head:
                self._uptime_share = Node("span", "", "is-figure")
            self._uptime = Uptime()
        with _Part("Fallback order") as part:
            with part.head:
                Node("span", "share of the last 15 min")
            self._carry_title = part.title
            self._carry = Drawing("ol", Markup(), "pu-carry")
        with _Part("Errors by class, 24 h") as part:
            with part.head:
                self._errors_note = Node("span")
            self._classes = Drawing("ul", Markup(), "pu-ranked")
        with _Part("Use, 24 h"):
            self._use = Facts({}, name_width=120)
        with _Part("Score, text") as self._score_part:
            with self._score_part.head:
                self._score_total = Node("span", "", "is-figure")
            self._score = Drawing("ul", Markup(), "pu-ranked")
        with _Part("Probes"):
            self._probing = None
            if desk.admin:
                self._probing = fields.switch("Cost-free probes every minute", on_change=self._switched)
            self._probe = Node("p", "", "pu-meta")
        self._shown: tuple[object, ...] = ()

    def show_state(self, state: ProviderState, board: BoardState, now: datetime) -> None:
        shown = (state, [(one.provider.name, one.by_modality) for one in board.providers])
        if shown == self._shown:
            return
        self._shown = shown
        self._figures.set_cells(_figures(state, costs=self._desk.admin))
        self._show_by_modality(state)
        share = state.uptime_share
        self._uptime_share.set_text("" if share is None else format_percent(share, 2))
        self._uptime.show_days(state.uptime)
        self._show_carrying(state, board)
        self._show_errors(state)
        self._show_use(state)
        self._show_score(state)
        self._show_probe(state, now)

    def show_past(self, past: Past, state: ProviderState, now: datetime) -> None:
        """The chart's bars, and the bands in which a breaker let nothing through."""
        self._errors.show_past(past, state, now)

    def _show_by_modality(self, state: ProviderState) -> None:
        """Where there are several, each by itself."""
        several = len(state.by_modality) > 1
        self._by_part.show(several)
        if not several:
            return
        words = ("", "Calls", "Success", "p50 / p95", "First token")
        head = element("tr", *(element("th", word, scope="col") for word in words))
        rows = [
            element(
                "tr",
                element("th", modality.capitalize(), scope="row"),
                *(element("td", cell) for cell in _cells(one.performance.hour)),
            )
            for modality, one in state.by_modality.items()
        ]
        self._by.draw(join([element("thead", head), element("tbody", *rows)]))

    def _show_carrying(self, state: ProviderState, board: BoardState) -> None:
        modality = next(iter(state.by_modality), Modality.TEXT)
        self._carry_title.set_text(f"Fallback order, {modality}")
        providers = sorted(
            (one for one in board.providers if one.provider.enabled and modality in one.by_modality),
            key=lambda one: (one.provider.rank(modality), one.provider.slug),
        )
        most = max((one.by_modality[modality].share or 0 for one in providers), default=0)
        lines = [
            self._line(place, one, one.by_modality[modality], most) for place, one in enumerate(providers, 1)
        ]
        self._carry.draw(join(lines))

    def _line(self, place: int, one: ProviderState, state: ModalityState, most: float) -> Markup:
        """`most` is the largest share, whose bar is as long as there is room."""
        provider, modality = one.provider, state.modality
        skipped, tone = skip_words(state, one, self._limit(provider))
        if skipped:
            end = element("span", skipped, class_=f"pu-skip-why is-{tone}")
        elif state.share is None:
            end = element("span", "no traffic", class_="is-quiet")
        else:
            bar = element("i", style=f"--part: {state.share / most * 100:.1f}")
            end = element("span", bar, element("span", format_percent(state.share, 0)), class_="pu-share")
        model = provider.default_models.get(modality) or "no default model"
        return element(
            "li",
            element("span", str(place), class_="is-quiet"),
            element("span", provider.name, title=provider.name),
            element("span", model, class_="is-second", title=model),
            end,
            class_="is-skipped" if skipped else None,
        )

    def _limit(self, provider: ProviderConfig) -> str | None:
        """The limit that keeps requests away now, for those who may know it."""
        refusal = self._desk.purser.meter.refusal(provider.id, provider.limits)
        return (refusal if self._desk.admin else "at a limit") if refusal else None

    def _show_errors(self, state: ProviderState) -> None:
        errors = sorted(state.performance.errors.items(), key=lambda one: -one[1])
        total = sum(count for _, count in errors)
        calls = state.performance.day.calls
        self._errors_note.set_text(f"{total:,} of {calls:,} calls" if calls else "no calls")
        rows = [
            _ranked(name.replace("_", " "), count / errors[0][1], f"{count:,}", "bad")
            for name, count in errors
        ]
        self._classes.draw(join(rows) if rows else element("li", element("span", "none", class_="is-quiet")))

    def _show_use(self, state: ProviderState) -> None:
        done = state.performance
        self._use.set_fact("Calls", f"{done.day.calls:,}, {done.day.good:,} answered")
        self._use.set_fact("p50 / p95, 24 h", _pair(done.day.p50_ms, done.day.p95_ms))
        self._use.set_fact("Tokens", format_count(done.tokens))
        unpriced = f", {done.unpriced:,} calls unpriced" if done.unpriced else ""
        cost = format_usd(done.cost, zero="none" if not done.unpriced else "no price") + unpriced
        self._use.set_fact("Cost", cost if self._desk.admin else None)

    def _show_score(self, state: ProviderState) -> None:
        score = self._score_of(state)
        self._score_part.show(score is not None)
        if score is None:
            return
        self._score_total.set_text(f"{score.total:.2f}")
        parts = {"speed": score.speed, "reliability": score.reliability, "quality": score.quality}
        if self._desk.admin:  # what is cheap is known from prices
            parts = {"cost": score.cost} | parts
        self._score.draw(join([_ranked(name, part, f"{part:.2f}", "accent") for name, part in parts.items()]))

    def _score_of(self, state: ProviderState) -> Score | None:
        """Against the others' default models for text, as the strategy "score" would compare them."""
        snapshot = self._desk.purser.snapshots.current
        offers = [
            offer
            for provider in snapshot.providers
            if provider.enabled and (model := provider.default_models.get(Modality.TEXT))
            if (offer := snapshot.offer(provider.id, model))
        ]
        scores = self._desk.purser.scores.parts(offers)
        return next((s for o, s in zip(offers, scores, strict=True) if o.provider.id == self._id), None)

    def _show_probe(self, state: ProviderState, now: datetime) -> None:
        if self._probing is not None and self._probing.value != state.provider.probing:
            self._probing.set_value(state.provider.probing)
        probe = state.last_probe
        self._probe.clear()
        if probe is None:
            self._probe.set_text("None in the last hour." if state.provider.probing else "Switched off.")
            return
        if probe.ok:
            said = f"Answered in {probe.latency_ms:,} ms"
        else:
            words = f": “{probe.vendor_message}”" if probe.vendor_message and self._desk.admin else ""
            said = f"Failed, {probe.fault}{words}"
        self._probe.set_text("")
        with self._probe:
            Ticking(Tick("since", probe.at, f"{said}, {{}} ago."), now)

    async def _switched(self) -> None:
        """The switch was pressed; a refresh that sets it to what is stored writes nothing."""
        state = self._desk.board.find(self._id) if self._desk.board else None
        provider = next((one for one in self._desk.providers if one.id == self._id), None)
        if self._probing is None or state is None or provider is None:
            return
        wanted = bool(self._probing.value)
        if wanted != provider.probing:
            await self._set_probing(wanted)

    async def _set_probing(self, on: bool) -> None:
        word = "on" if on else "off"
        saved = await self._desk.write(
            lambda session, actor: edit_provider(
                session,
                self._id,
                ProviderChange(probing=on),
                actor=actor,
                reason=f"switched {word} in the page",
                allowed_hosts=self._desk.purser.settings.internal_hosts,
            ),
            f"Cost-free probes are {word}",
            undo=lambda: self._set_probing(not on),
        )
        if not saved and self._probing is not None:
            self._probing.set_value(not on)


class _Part(Node):
    """A titled part of the tab; `head` takes what stands at the right of the title."""

    def __init__(self, title: str) -> None:
        super().__init__("section", "", "pu-part")
        with self:
            self.head = Node("div", "", "pu-part-head")
            with self.head:
                self.title = Node("h3", title)
        self.set(aria_labelledby=self.title.html_id)


def _figures(state: ProviderState | None, *, costs: bool) -> list[tuple[str, str, str]]:
    """The four figures; without a state the cells alone."""
    hour = (state.performance if state else NOTHING).hour
    calls, success, latency, first = _cells(hour)
    figures = [
        ("Success 1 h", success, f"{hour.good:,} of {hour.calls:,}" if hour.calls else "no traffic"),
        ("p50 / p95", latency, f"{calls} requests"),
        ("First token", first, "p50, 1 h"),
    ]
    if costs:
        figures.append(
            ("Spend 24 h", spend_words(state) if state else "—", spend_note(state) if state else "")
        )
    return figures


def _cells(hour: Window) -> tuple[str, str, str, str]:
    """Calls, success, latency and the first token of an hour."""
    return (
        f"{hour.calls:,}",
        "—" if hour.success is None else format_percent(hour.success),
        _pair(hour.p50_ms, hour.p95_ms),
        "—" if hour.first_token_ms is None else duration(hour.first_token_ms / 1000, 2),
    )


def _pair(p50_ms: float | None, p95_ms: float | None) -> str:
    """`2.4 / 9.8 s`: one unit for both where both are seconds."""
    if p50_ms is None or p95_ms is None:
        return "—"
    low, high = duration(p50_ms / 1000), duration(p95_ms / 1000)
    return (
        f"{low.removesuffix(' s')} / {high}"
        if low.endswith(" s") and high.endswith(" s")
        else f"{low} / {high}"
    )


def _ranked(name: str, part: float, figure: str, tone: str) -> Markup:
    """A word, a bar, a number."""
    bar = element("i", class_=f"pu-rank-bar is-{tone}", style=f"--part: {part * 100:.1f}", aria_hidden="true")
    return element("li", element("span", name), bar, element("span", figure))

"""The tab Undefined: feature ids that products ask for and nobody has defined, with the nearest that is."""

from functools import partial

from core.audit import Actor
from core.database import Session
from core.entitlements.service import Undefined, dismiss_undefined, undefined_features
from dashboard.components import cells, states
from dashboard.components.cells import Bit
from dashboard.components.html import Node
from dashboard.components.money import format_count
from dashboard.components.table import Column, DataTable, Row
from dashboard.plans.desk import Desk
from dashboard.plans.forms import FeatureForm

COLUMNS = (
    Column("feature", "Feature id", card="title"),
    Column("checks", "Checked", 140, align="end", card="key"),
    Column("last", "Last asked for", 140),
    Column("meant", "Did you mean", card="status"),
    Column("acts", "What to do", 240, align="end", silent=True, card="meta"),
)


class UndefinedTab:
    """`await show()` reads it again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        Node(
            "p",
            "Nobody is allowed what is not defined. Define it as a feature, or mend the product that asks for it.",
            "pu-plans-note is-second",
        )
        self._table = DataTable("Feature ids asked for and not defined", COLUMNS, skeletons=2)
        self._table.classes("pu-plans-acts")
        self._table.on_action(self._act)
        self._found: list[Undefined] = []

    async def read(self) -> int:
        """Reads what is asked for; how many ids."""
        purser = self._desk.purser
        async with purser.database.transaction() as session:
            self._found = await undefined_features(session, purser.snapshots.current.entitlements)
        return len(self._found)

    async def show(self) -> None:
        """What is asked for, most often first."""
        await self.read()
        screen, found = self._desk.screen, self._found
        if not found:
            with self._table.show_state():
                states.empty(
                    "Everything that is asked for is defined",
                    "A feature id that a product asks for and nobody has defined stands here, with how often.",
                    icon="check_circle",
                )
            return
        now = screen.now()
        self._table.show_rows(
            [self._row(one, cells.moment(one.last_seen_at, now, screen.zone)) for one in found]
        )

    def _row(self, one: Undefined, last: Bit) -> Row:
        times = "once" if one.checks == 1 else f"{format_count(one.checks)} times"
        define = Bit("Define as feature…", action="define", label=f"Define {one.feature_id} as a feature…")
        dismiss = Bit("Dismiss", action="dismiss", label=f"Dismiss {one.feature_id}")
        return Row(
            one.feature_id,
            [
                Bit(one.feature_id, "strong"),
                times,
                last,
                Bit(one.nearest, "second") if one.nearest else cells.DASH,
                [[define, *([dismiss] if self._desk.admin else [])]],
            ],
        )

    async def _act(self, feature_id: str, action: str) -> None:
        if action == "define":
            FeatureForm(self._desk, suggested=feature_id).open()
        elif action == "dismiss":
            await self._desk.write(
                partial(_dismiss, feature_id), f"{feature_id} is dismissed until it is asked for again"
            )


async def _dismiss(feature_id: str, session: Session, actor: Actor) -> None:
    await dismiss_undefined(session, feature_id, actor=actor)

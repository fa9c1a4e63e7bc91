"""A tester's own latest runs."""

from core.errors import DatabaseUnavailable
from core.generation.explain import provider_name
from core.generation.queries import Filter, listing
from core.vocabulary import Traffic
from dashboard.components import states
from dashboard.components.button import Button
from dashboard.components.table import DataTable
from dashboard.generations.address import Address
from dashboard.generations.reader import Reader
from dashboard.generations.rows import COLUMNS, rows
from dashboard.page import Screen

LATEST = 10


class OwnRuns:
    """A short list; `refresh` reads it anew."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._table = DataTable("Your latest runs", COLUMNS, row_height=48, skeletons=3)

    async def refresh(self) -> None:
        """Reads the person's newest generations."""
        screen = self._screen
        mine = Filter(user_id=screen.person.id, traffic=(Traffic.LIVE, Traffic.TEST))
        try:
            found = await listing(screen.purser.database, mine, limit=LATEST)
        except DatabaseUnavailable:
            self._table.mark_old("The database does not answer: these are your runs of before.")
            return
        if not found.lines:
            with self._table.show_state():
                states.empty(
                    "No runs yet",
                    "What you generate in the playground stands here.",
                    icon="science",
                    action=Button("Open the playground", href="/playground", kind="primary"),
                )
            return
        reader = Reader(screen.zone, screen.sees_costs, provider_name)
        self._table.show_rows(
            rows(found.lines, Address(), now=screen.now(), reader=reader),
            foot=f"The newest {len(found.lines)}",
        )

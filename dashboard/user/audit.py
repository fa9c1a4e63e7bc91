"""What people and keys did to a user, and what the user did: the rows of the audit, each leading there."""

from core.accounts.person import Person
from core.audit import queries
from core.audit.asking import Filter, sight_of
from dashboard.audit import rows as of_the_audit
from dashboard.audit.address import Address
from dashboard.audit.subjects import name_subjects
from dashboard.components import states
from dashboard.components.table import DataTable
from dashboard.user.desk import Desk
from dashboard.user.tab import PAGE, PagedTab


class AuditTab(PagedTab):
    """As far as the reader's role sees it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, DataTable("Audit", of_the_audit.COLUMNS, row_height=48).classes("pu-audit"))

    async def load(self, person: Person) -> None:
        desk, database, address = self.desk, self.desk.purser.database, self.desk.address
        page = await queries.listing(
            database,
            sight_of(person.role, person.id),
            Filter(about=desk.user_id),
            after=address.after,
            before=address.before,
            limit=PAGE,
        )
        subjects = await name_subjects(
            desk.purser, person, [(line.subject_kind, line.subject_id) for line in page.lines]
        )
        if address != desk.address:
            return
        if not page.lines:
            with self.table.show_state():
                states.empty(
                    "Nothing yet",
                    "What is changed about this user, and what they change, stands here.",
                    icon="history",
                )
        else:
            there = Address(q=str(desk.user_id))
            self.show_page(
                of_the_audit.rows(page.lines, subjects, there, desk.screen.zone),
                (page.lines[0].id, page.lines[-1].id),
                previous=page.previous,
                following=page.next,
            )
        self.succeed()

"""The organisations and projects of a user."""

from core.accounts.person import Person
from dashboard.organisations.panel import ProjectsPanel
from dashboard.user.desk import Desk
from dashboard.user.tab import Tab


class ProjectsTab(Tab):
    """Drawn by the panel."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        with self.body:
            self.panel = ProjectsPanel(desk, desk.user_id, desk.email)

    async def load(self, person: Person) -> None:
        await self.panel.load(self.desk.beyond)
        self.succeed()

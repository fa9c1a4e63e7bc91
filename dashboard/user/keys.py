"""How a user gets in: API keys, each shown once when it is made, and open sessions."""

from datetime import datetime
from uuid import UUID

from core.accounts.keys import NewKey, create_key, revoke_key
from core.accounts.models import ApiKey, KeyKind, Session
from core.accounts.person import Person
from core.accounts.queries import list_keys
from core.accounts.sessions import list_sessions, revoke_session, revoke_sessions_of
from core.audit import Actor
from core.database import Session as DatabaseSession
from core.errors import NotAllowed
from dashboard.components import fields, states
from dashboard.components.button import Button
from dashboard.components.cells import DASH, Bit, Cell, chip, moment
from dashboard.components.money import format_count
from dashboard.components.status import Status
from dashboard.components.table import Column, DataTable, Row
from dashboard.ends import ask_until, moment_of
from dashboard.forms import Form
from dashboard.user.desk import Desk
from dashboard.user.handing import show_once
from dashboard.user.tab import Tab, at, heading

KEYS = (
    Column("name", "Name", None, card="title"),
    Column("state", "State", 120, card="status"),
    Column("made", "Made", 170, card="meta"),
    Column("used", "Last used", 130),
    Column("ends", "Ends", 170),
    Column("act", "Revoke", 90, "end", silent=True, card="key"),
)
SESSIONS = (
    Column("browser", "Browser", None, card="title"),
    Column("address", "Address", 180, card="status"),
    Column("opened", "Opened", 170),
    Column("seen", "Last seen", 130, card="meta"),
    Column("ends", "Ends", 170),
    Column("act", "End", 70, "end", silent=True, card="key"),
)
VALID = Status("Valid", "check_circle", "ok")
REVOKED = Status("Revoked", "key_off", "neutral")
OVER = Status("Expired", "event_busy", "neutral")
REVOKE, END = "revoke", "end"


class KeysTab(Tab):
    """Keys above, sessions below."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._keys: list[ApiKey] = []
        self._sessions: list[Session] = []
        with self.body:
            with heading("API keys"):
                self._new = Button("New API key…", lambda: new_key(desk), icon="vpn_key", small=True)
            self.keys = DataTable("API keys", KEYS, row_height=48).on_action(self._key_pressed)
            with heading("Sessions"):
                self._all = Button("End all…", self._end_all, icon="logout", small=True)
            self.sessions = DataTable("Sessions", SESSIONS).on_action(self._session_pressed)

    async def load(self, person: Person) -> None:
        desk = self.desk
        refusal: str | None = None
        async with desk.purser.database.transaction() as session:
            self._keys = await list_keys(session, desk.user_id)
            try:
                self._sessions = await list_sessions(
                    session, person.actor(desk.screen.visitor.address), desk.user_id
                )
            except NotAllowed as refused:
                self._sessions, refusal = [], refused.message
        self._show_keys()
        self._show_sessions(refusal)
        self.succeed()

    def count(self) -> str | None:
        return format_count(sum(self._state(key) is VALID for key in self._keys))

    def _show_keys(self) -> None:
        beyond = self.desk.beyond_own
        self._new.enable(beyond is None, why=beyond)
        if not self._keys:
            with self.keys.show_state():
                states.empty("No API keys", "A key acts for this user in the HTTP API.", icon="vpn_key")
            return
        self.keys.show_rows([self._key(key) for key in self._keys])

    def _show_sessions(self, refusal: str | None) -> None:
        self._all.show(len(self._sessions) > 1)
        if self._sessions:
            self.sessions.show_rows([self._session(one) for one in self._sessions])
            return
        with self.sessions.show_state():
            if refusal:
                states.empty("Not with your role", refusal, icon="lock")
            else:
                states.empty(
                    "No open sessions", "Nobody is signed in to the pages as this user.", icon="login"
                )

    def _key(self, key: ApiKey) -> Row:
        zone, now = self.desk.screen.zone, self.desk.screen.now()
        state = self._state(key)
        kind = "service key" if key.kind is KeyKind.SERVICE else "user key"
        used: Cell = moment(key.last_used_at, now, zone) if key.last_used_at else Bit("never", "quiet")
        may = state is VALID and self.desk.beyond_own is None
        act: Cell = Bit("Revoke…", label=f"Revoke {key.name}…", action=REVOKE) if may else ""
        return Row(
            str(key.id),
            [
                [Bit(key.name, "strong"), f"{key.prefix}… · {kind}"],
                chip(state),
                self._absolute(key.created_at),
                used,
                self._absolute(key.revoked_at or key.expires_at),
                act,
            ],
        )

    def _session(self, one: Session) -> Row:
        zone, now = self.desk.screen.zone, self.desk.screen.now()
        browser = one.user_agent or "not told"
        return Row(
            str(one.id),
            [
                Bit(browser, title=browser),
                one.address or "not known",
                self._absolute(one.created_at),
                moment(one.last_seen_at, now, zone),
                self._absolute(one.expires_at),
                Bit("End…", label=f"End the session of {one.address or 'an unknown address'}…", action=END),
            ],
        )

    def _absolute(self, moment: datetime | None) -> Cell:
        return at(moment, self.desk.screen.zone) if moment else DASH

    def _state(self, key: ApiKey) -> Status:
        if key.revoked_at is not None:
            return REVOKED
        return OVER if key.expires_at and key.expires_at <= self.desk.screen.now() else VALID

    def _key_pressed(self, identifier: str, action: str) -> None:
        key = next((one for one in self._keys if one.id == UUID(identifier)), None)
        if action != REVOKE or key is None:
            return
        Form(
            self.desk,
            f"Revoke {key.name}?",
            lambda session, actor, reason: revoke_key(session, actor, key.id, reason=reason),
            f"The key {key.name} is revoked",
            sub=f"{key.prefix}… stops working within a second, for good.",
            verb="Revoke key",
            kind="danger",
        ).open()

    def _session_pressed(self, identifier: str, action: str) -> None:
        if action != END:
            return
        Form(
            self.desk,
            "End this session?",
            lambda session, actor, reason: revoke_session(session, actor, UUID(identifier), reason=reason),
            "The session has ended",
            sub="Its pages close within a second; who it is signs in again.",
            verb="End session",
            kind="danger",
        ).open()

    def _end_all(self) -> None:
        count = len(self._sessions)
        Form(
            self.desk,
            f"End all {count} sessions?",
            lambda session, actor, reason: revoke_sessions_of(
                session, actor, self.desk.user_id, reason=reason
            ),
            f"All sessions of {self.desk.email} have ended",
            sub="All their pages close within a second.",
            verb=f"End {count} sessions",
            kind="danger",
        ).open()


def new_key(desk: Desk) -> None:
    """Asks for a name, makes the key, and shows it once."""
    made: list[NewKey] = []

    async def change(session: DatabaseSession, actor: Actor, reason: str) -> None:
        made[:] = [
            await create_key(
                session,
                actor,
                desk.user_id,
                name=name.value or "",
                expires_at=moment_of(until, desk.screen),
                reason=reason,
            )
        ]

    form = Form(
        desk,
        "New API key",
        change,
        f"{desk.email} has a new API key",
        sub=f"It acts for {desk.email} in the HTTP API, and is shown once.",
        verb="Make key",
        then=lambda: show_once(desk.screen, "The new API key", "API key", made[0].secret),
    )
    with form.body:
        name = fields.text("Name", placeholder="What uses it", note="required")
        name.props("maxlength=100 autofocus data-enter=true")
        until = ask_until()
    form.open()

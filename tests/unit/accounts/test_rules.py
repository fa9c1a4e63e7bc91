"""Who may do what, and what an e-mail, a password or a window of attempts is."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.accounts import rules
from core.audit import COMMAND_LINE, Actor
from core.config import Rate
from core.errors import InvalidRequest, NotAllowed
from core.ids import new_id
from core.vocabulary import Role


def actor(role: Role, kind: str = "user") -> Actor:
    return Actor(kind, "somebody", role, new_id())


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("  ann@example.com ", "ann@example.com"),
        ("admin@purser.local", "admin@purser.local"),
        ("root@localhost", "root@localhost"),
        ("JÜRGEN@Müller.example", "jürgen@müller.example"),
    ],
)
def test_an_email_is_stored_in_lower_case(written: str, stored: str) -> None:
    assert rules.normal_email(written) == stored


@pytest.mark.parametrize(
    "text", ["", "ann", "ann@", "@example.com", "a b@example.com", "ann@com", "ann@exa\0mple.com"]
)
def test_what_is_no_email_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rules.normal_email(text)
    assert refusal.value.code == "invalid_email"


@given(st.emails())
def test_normalising_twice_is_normalising_once(email: str) -> None:
    try:
        stored = rules.normal_email(email)
    except InvalidRequest:
        return
    assert rules.normal_email(stored) == stored


def test_a_password_has_twelve_characters() -> None:
    rules.require_password("a" * 12)
    with pytest.raises(InvalidRequest, match="at least 12"):
        rules.require_password("a" * 11)
    with pytest.raises(InvalidRequest, match="at most 1,000"):
        rules.require_password("a" * 1_001)


def test_a_superadmin_manages_everybody() -> None:
    for role in Role:
        rules.require_manager(actor(Role.SUPERADMIN), role, "do it")
        rules.require_manager(COMMAND_LINE, role, "do it")


def test_a_superadmins_key_manages_all_but_superadmins() -> None:
    key = actor(Role.SUPERADMIN, "key")
    for role in (Role.USER, Role.TESTER, Role.SUPPORT):
        rules.require_manager(key, role, "do it")
    with pytest.raises(NotAllowed, match="Only a superadmin can do it where it concerns a superadmin"):
        rules.require_manager(key, Role.SUPERADMIN, "do it")


@pytest.mark.parametrize("kind", ["user", "key"])
def test_support_manages_users_and_nobody_of_the_staff(kind: str) -> None:
    support = actor(Role.SUPPORT, kind)
    rules.require_manager(support, Role.USER, "do it")
    for role in (Role.TESTER, Role.SUPPORT, Role.SUPERADMIN):
        with pytest.raises(NotAllowed, match="Only a superadmin can do it where it concerns"):
            rules.require_manager(support, role, "do it")


def test_what_support_may_do_to_colleagues_it_may_not_do_to_superadmins() -> None:
    for role in (Role.TESTER, Role.SUPPORT):
        rules.require_manager(actor(Role.SUPPORT), role, "do it", colleagues=True)
    with pytest.raises(NotAllowed):
        rules.require_manager(actor(Role.SUPPORT), Role.SUPERADMIN, "do it", colleagues=True)


@pytest.mark.parametrize("role", [Role.TESTER, Role.USER])
def test_others_manage_nobody_and_are_told_who_does(role: Role) -> None:
    with pytest.raises(NotAllowed, match="Only support or a superadmin can do it"):
        rules.require_manager(actor(role), Role.USER, "do it")


@pytest.mark.parametrize("weak", [actor(Role.SUPPORT), actor(Role.SUPERADMIN, "key")])
def test_what_needs_a_superadmin_needs_them_in_person(weak: Actor) -> None:
    rules.require_superadmin(actor(Role.SUPERADMIN), "do it")
    rules.require_superadmin(COMMAND_LINE, "do it")
    with pytest.raises(NotAllowed, match="Only a superadmin can do it"):
        rules.require_superadmin(weak, "do it")


def test_a_key_is_not_the_person_but_acts_for_them() -> None:
    key = actor(Role.USER, "key")
    assert rules.acts_for(key, key.id)
    assert not rules.is_self(key, key.id)
    assert not rules.acts_for(COMMAND_LINE, None)


def test_a_line_loses_what_would_break_a_page_or_a_log() -> None:
    assert rules.clean_line("  Ann\r\n\x1b[31m \0Lee ", "A name") == "Ann [31m Lee"
    with pytest.raises(InvalidRequest, match="A name has at most 200"):
        rules.clean_line("a" * 201, "A name")


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_reason_is_more_than_blanks(reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rules.require_reason(reason)
    assert refusal.value.code == "reason_required"


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "", "a\0b"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    assert rules.require_time_zone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(InvalidRequest):
        rules.require_time_zone(zone)


def test_a_language_is_a_tag() -> None:
    assert rules.require_language("pt-BR") == "pt-BR"
    with pytest.raises(InvalidRequest):
        rules.require_language("<script>")


def test_a_window_says_how_long_to_wait_for_the_next() -> None:
    start = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
    name, wait = rules.window(start.replace(second=59, microsecond=500_000), Rate(5, 60))
    assert wait == 1
    assert rules.window(start, Rate(5, 60)) == (name, 60)
    assert rules.window(start.replace(minute=1), Rate(5, 60))[0] != name


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
    ],
)
def test_attempts_count_for_an_address_or_its_household(address: str, network: str) -> None:
    assert rules.network_of(address) == network

"""What is kept of a change: everything but secrets, however deep they lie and in whatever they are wrapped."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audit.fields import plain_text, shown
from core.ids import new_id
from core.log import PLAIN_NAMES, STRUCK
from core.vocabulary import Role

SECRET = "Kq7vXw2LpZ9tRb4N"
NAMES = st.sampled_from(
    ["api_key", "apiKey", "openai_api_key", "password", "new_password", "client_secret", "token", "refresh_token",
     "Authorization", "cookie", "prompt", "system_prompt", "messages", "passwd"]
)  # fmt: skip
KEYS = st.sampled_from(
    [f"sk-proj-{SECRET}", f"sk-ant-api03-{SECRET}", f"AIza{SECRET}", f"r8_{SECRET}", f"psr_u_{SECRET}{SECRET}",
     f"Bearer {SECRET}.{SECRET}", f"$argon2id$v=19$m=65536,t=3,p=4${SECRET}", f"gAAAAAB{SECRET}{SECRET}==",
     f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n{SECRET}"]
)  # fmt: skip
AROUND = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)


@st.composite
def hidden(draw: st.DrawFn) -> Any:
    """Fields with one secret somewhere: under a telling name, or inside of a text."""
    if draw(st.booleans()):
        value: Any = {
            draw(NAMES): draw(st.sampled_from([SECRET, [SECRET], {"inner": SECRET}, SECRET.encode()]))
        }
    else:
        value = f"{draw(AROUND)} {draw(KEYS)}"
    for _ in range(draw(st.integers(0, 4))):
        wrap = draw(st.sampled_from(["dict", "list", "tuple", "set"]))
        if wrap == "dict":
            value = {draw(AROUND): value, "beside": draw(PLAIN)}
        elif wrap == "set" and isinstance(value, str):
            value = {value}
        else:
            value = [draw(PLAIN), value] if wrap == "list" else (value, draw(PLAIN))
    return value if isinstance(value, dict) else {"field": value}


@given(hidden())
def test_a_secret_is_struck_out_wherever_it_lies(fields: dict[str, Any]) -> None:
    kept = orjson.dumps(shown(fields)).decode()

    assert SECRET not in kept
    assert STRUCK in kept


@given(st.dictionaries(st.text(), st.recursive(
    PLAIN | st.binary(max_size=4) | st.just(new_id()) | st.just(Role.TESTER) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers() | st.text(), inner, max_size=3),
    max_leaves=8,
)))  # fmt: skip
def test_whatever_is_passed_can_be_stored(fields: dict[str, Any]) -> None:
    stored = orjson.dumps(shown(fields)).decode()

    assert "\\u0000" not in stored.replace("\\\\", "")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("ann@example.com", "ann@example.com"),
        ("psr_u_ab12", "psr_u_ab12"),
        ("task-force", "task-force"),
        (Role.SUPPORT, "support"),
        (2**63, str(2**63)),
        (-(2**63), -(2**63)),
        (0.1, 0.1),
        (("a", 1), ["a", 1]),
        ({"b", "a"}, ["a", "b"]),
        ({"inner": {"id": 1}}, {"inner": {"id": 1}}),
        (None, None),
    ],
)
def test_what_is_no_secret_stays(value: Any, kept: Any) -> None:
    assert shown({"field": value}) == {"field": kept}


@pytest.mark.parametrize("name", ["email", *sorted(PLAIN_NAMES), "last_four", "prefix", "key", "one_time"])
def test_names_that_only_sound_secret_keep_their_values(name: str) -> None:
    assert shown({name: "12345"}) == {name: "12345"}


def test_what_the_database_cannot_hold_is_replaced() -> None:
    assert plain_text("a\0b") == "a\ufffdb"
    assert plain_text("a\ud800b") == "a?b"


def test_a_secret_that_was_not_set_is_told_as_such() -> None:
    assert shown({"password": None}) == {"password": None}
    assert shown(None) is None

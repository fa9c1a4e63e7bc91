"""Hashing, verifying, and passwords thought out for one use."""

import re
import subprocess
import sys
from itertools import pairwise

from pwdlib.hashers.argon2 import Argon2Hasher

from core.accounts.passwords import hash_password, one_time_password, verify_password


def test_a_hash_costs_a_guesser_64_mb_and_three_passes() -> None:
    # RFC 9106, section 4: the second recommended choice.
    code = "from core.accounts.passwords import hasher; print(hasher.hash('correct horse battery'))"
    stored = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True).stdout
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_only_the_right_password_verifies() -> None:
    stored = await hash_password("correct horse battery")
    assert await verify_password("correct horse battery", stored) == (True, None)
    assert await verify_password("correct horse batterz", stored) == (False, None)


async def test_nothing_verifies_where_no_password_or_rubbish_is_stored() -> None:
    assert await verify_password("anything at all", None) == (False, None)
    assert await verify_password("anything at all", "rubbish") == (False, None)


async def test_an_old_hash_is_renewed_at_its_next_use() -> None:
    old = Argon2Hasher(time_cost=1, memory_cost=8_192).hash(b"correct horse battery")
    right, renewed = await verify_password("correct horse battery", old)
    assert right
    assert renewed
    assert await verify_password("correct horse battery", renewed) == (True, None)


async def test_one_spelling_of_a_letter_is_as_good_as_another() -> None:
    assert (await verify_password("cafe\u0301 au lait, oui", await hash_password("caf\u00e9 au lait, oui")))[
        0
    ]


async def test_a_password_no_keyboard_types_is_wrong_and_no_fault() -> None:
    assert await verify_password("\ud800" * 12, await hash_password("correct horse battery")) == (False, None)


def test_a_one_time_password_can_be_said_and_is_never_the_same() -> None:
    made = [one_time_password() for _ in range(200)]
    assert all(re.fullmatch(r"([a-z]{5}-){3}[a-z]{5}", password) for password in made)
    assert all(one != other for one, other in pairwise(sorted(made)))

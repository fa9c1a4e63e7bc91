"""Passwords: Argon2id hashes, computed in two threads of their own.

A hash takes some 50 ms and 64 MB, by design: on the event loop it would stall everybody, and in more threads a burst
of sign-ins would take the machine's memory.
"""

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

hasher = PasswordHash((Argon2Hasher(),))
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def hash_password(password: str) -> str:
    """The hash to be stored."""
    return await asyncio.get_running_loop().run_in_executor(_threads, hasher.hash, _bytes(password))


async def verify_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether `password` is the one behind `stored`, and the hash to store instead where parameters moved on.

    Without a stored hash the same work is done, so that the time taken does not tell whether an account exists.
    """
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, _bytes(password), stored)


def _verify(password: bytes, stored: str | None) -> tuple[bool, str | None]:
    if stored is None:
        hasher.hash(password)
        return False, None
    try:
        return hasher.verify_and_update(password, stored)
    except UnknownHashError:
        return False, None


def _bytes(password: str) -> bytes:
    # One spelling of é whichever keyboard typed it; lone surrogates, which JSON can carry, are not an error here.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"


def one_time_password() -> str:
    """Four words that can be said and typed, as in `tomuk-lizad-fagor-nubih`: 64 bits of chance."""
    return "-".join(
        "".join(secrets.choice(letters) for letters in (CONSONANTS, VOWELS, CONSONANTS, VOWELS, CONSONANTS))
        for _ in range(4)
    )

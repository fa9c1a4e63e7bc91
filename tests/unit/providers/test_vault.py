"""Keys at rest."""

import pytest
from cryptography.fernet import Fernet

from core.providers.vault import KeyUnreadable, Vault, fingerprint, last_four

OLD, NEW = Fernet.generate_key(), Fernet.generate_key()


def test_a_secret_comes_back_as_it_was() -> None:
    vault = Vault([OLD])
    stored = vault.encrypt("sk-ünïcode-1234")
    assert b"1234" not in stored
    assert vault.decrypt(stored) == "sk-ünïcode-1234"


def test_a_secret_under_an_older_key_is_still_read() -> None:
    assert Vault([NEW, OLD]).decrypt(Vault([OLD]).encrypt("secret")) == "secret"


def test_a_secret_under_an_unknown_key_says_that_it_cannot_be_read() -> None:
    with pytest.raises(KeyUnreadable) as refused:
        Vault([NEW]).decrypt(Vault([OLD]).encrypt("secret"))
    assert refused.value.code == "key_unreadable"
    assert not refused.value.retryable


def test_a_damaged_secret_says_that_it_cannot_be_read() -> None:
    with pytest.raises(KeyUnreadable):
        Vault([OLD]).decrypt(b"not a token")


def test_after_a_rotation_the_new_key_alone_suffices() -> None:
    rotated = Vault([NEW, OLD]).rotate(Vault([OLD]).encrypt("secret"))
    assert Vault([NEW]).decrypt(rotated) == "secret"
    with pytest.raises(KeyUnreadable):
        Vault([OLD]).decrypt(rotated)


def test_a_rotation_without_the_old_key_says_that_it_cannot_be_read() -> None:
    with pytest.raises(KeyUnreadable):
        Vault([NEW]).rotate(Vault([OLD]).encrypt("secret"))


def test_a_vault_needs_keys_that_are_keys() -> None:
    with pytest.raises(ValueError):
        Vault(["no key"])
    with pytest.raises(ValueError):
        Vault([])


def test_pages_see_four_characters_of_a_long_secret_and_nothing_of_a_short_one() -> None:
    assert last_four("sk-abcdefgh1234") == "1234"
    assert last_four("short") == ""


def test_a_fingerprint_tells_secrets_apart_without_holding_them() -> None:
    assert fingerprint("a") == "ca978112ca1bbdca"
    assert fingerprint("a") != fingerprint("b")

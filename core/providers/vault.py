"""Provider keys at rest: Fernet with rotatable keys, and what may be shown of a secret."""

import hashlib
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.errors import Fault


class KeyUnreadable(Fault):
    """A stored key was encrypted with an encryption key that is not configured (any more)."""

    code = "key_unreadable"
    retryable = False

    def __init__(self) -> None:
        super().__init__("The key cannot be decrypted with the configured ENCRYPTION_KEYS.")


class Vault:
    """Encrypts with the first of its keys, decrypts with any of them."""

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        """Takes Fernet keys (32 bytes, url-safe base64), the newest first.

        Raises:
            ValueError: no key, or one that is none.
        """
        each = [Fernet(key) for key in keys]
        self._fernet = MultiFernet(each)
        self._first = each[0]

    def encrypt(self, secret: str) -> bytes:
        """The secret as it is stored."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, stored: bytes) -> str:
        """The secret again.

        Raises:
            KeyUnreadable: none of the keys fits, or the text was changed.
        """
        try:
            return self._fernet.decrypt(stored).decode()
        except InvalidToken:
            raise KeyUnreadable from None

    def is_current(self, stored: bytes) -> bool:
        """Whether the first key reads it, so that it does not depend on any other."""
        try:
            self._first.decrypt(stored)
        except InvalidToken:
            return False
        return True

    def rotate(self, stored: bytes) -> bytes:
        """The same secret under the first key, with its time of encryption kept.

        Raises:
            KeyUnreadable: none of the keys fits.
        """
        try:
            return self._fernet.rotate(stored)
        except InvalidToken:
            raise KeyUnreadable from None


def last_four(secret: str) -> str:
    """What pages show of a secret; nothing of one so short that four characters would give it away."""
    return secret[-4:] if len(secret) >= 12 else ""


def fingerprint(secret: str) -> str:
    """Sixteen hex digits that tell secrets apart without holding them."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]

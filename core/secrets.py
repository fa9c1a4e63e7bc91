"""The process's own secrets: made once into `DATA_DIR/secrets`, readable by its owner only, where none are set."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from core.config import Settings


def encryption_keys(settings: Settings) -> list[str]:
    """The Fernet keys for vendors' keys at rest, the one that encrypts first."""
    if settings.encryption_keys:
        return [key.get_secret_value() for key in settings.encryption_keys]
    return [kept(settings.data_dir / "secrets" / "encryption_key", lambda: Fernet.generate_key().decode())]


def kept(path: Path, make: Callable[[], str]) -> str:
    """The secret in `path`; made there the first time. Of several processes that make it at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # A name of its own: two containers that share the folder may have the same process number.
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(make())
            os.link(draft, path)  # atomic, and fails where another process was first
        except FileExistsError:
            return path.read_text()
        finally:
            Path(draft).unlink()
    return path.read_text()

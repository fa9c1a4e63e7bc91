"""Every stored file has its bytes: the row is written first, then they."""

from collections.abc import Iterator
from pathlib import Path

from core.system.invariants.invariant import Invariant, Row

FILES = (
    Invariant(
        "files-have-arrived",
        "No file has waited for its bytes for more than an hour.",
        """
        select null::uuid, user_id, null::uuid, 'stored', 'pending since ' || created_at, 'file ' || id
        from files where state = 'pending' and created_at < now() - interval '1 hour'
        """,
    ),
)


def files_are_there(folder: Path) -> Invariant:
    """That every file which is stored lies in the folder, whole. Only for files that are kept on this machine."""

    def missing(row: Row) -> Iterator[Row]:
        user_id, file_id, place, size = row
        path = (folder / place).resolve()
        if not path.is_relative_to(folder.resolve()):
            yield None, user_id, None, "a place in the folder", place, f"file {file_id}"
        elif not path.is_file():
            yield None, user_id, None, f"{size:,} bytes", "no file", f"file {file_id}"
        elif path.stat().st_size != size:
            yield None, user_id, None, f"{size:,} bytes", f"{path.stat().st_size:,}", f"file {file_id}"

    return Invariant(
        "files-are-there",
        "The bytes of every stored file are where its row says, and as many.",
        "select user_id, id, place, size from files where state = 'stored'",
        lambda: missing,
    )

"""`.env.example` lists every setting, no other, each with an explanation and a value that is taken."""

import re
from pathlib import Path

import pytest

from core.config import Settings

FILE = Path(__file__).resolve().parents[2] / ".env.example"
LINE = re.compile(r"# ([A-Z][A-Z0-9_]*)=(.*)")


def entries() -> list[tuple[str, str, str]]:
    """Name, value and the line before, of every setting in the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return [
        (found[1], found[2], lines[number - 1])
        for number, line in enumerate(lines)
        if (found := LINE.fullmatch(line))
    ]


def test_every_setting_is_listed_once_and_nothing_else() -> None:
    assert sorted(name for name, _, _ in entries()) == sorted(name.upper() for name in Settings.model_fields)


def test_nothing_is_set_by_copying_the_file() -> None:
    assert all(not line or line.startswith("#") for line in FILE.read_text(encoding="utf-8").splitlines())


def test_every_setting_is_explained_on_the_line_above() -> None:
    for name, _, above in entries():
        assert re.fullmatch(r"# [A-Z0-9].{10,}[^,;]", above), f"{name} stands below {above!r}"
        assert not LINE.fullmatch(above), f"{name} has no explanation"


def test_every_value_is_taken_when_it_is_uncommented(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = "\n".join(f"{name}={value}" for name, value, _ in entries())
    (tmp_path / "all.env").write_text(values, encoding="utf-8")

    read = Settings(_env_file=tmp_path / "all.env")  # pyright: ignore[reportCallIssue] - pydantic-settings takes it

    assert read.model_fields_set == {name.lower() for name, value, _ in entries() if value}

"""Column types that the tables share."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from core.ids import new_id


class Table(SQLModel):
    """Base of all tables, so that a table's name is a plain string to the type checker too."""

    if TYPE_CHECKING:
        __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride] - SQLModel declares a method


class Word(sa.types.TypeDecorator[StrEnum]):
    """A StrEnum stored as its word; a check constraint in the migration holds the list."""

    impl = sa.String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self._words = words

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> StrEnum | None:
        return None if value is None else self._words(value)


def id_field() -> Any:
    """A UUIDv7 primary key, made here."""
    return Field(default_factory=new_id, primary_key=True)


def word(words: type[StrEnum], **options: Any) -> Any:
    """A column of one of the words of a StrEnum."""
    return Field(sa_type=Word(words), **options)


def moment(**options: Any) -> Any:
    """A timestamptz column, in UTC."""
    return Field(sa_type=sa.DateTime(timezone=True), **options)


def made_now() -> Any:
    """A timestamptz that the database fills with the time of the insert."""
    return Field(
        default=None,
        sa_type=sa.DateTime(timezone=True),
        sa_column_kwargs={"server_default": sa.text("now()")},
        nullable=False,
    )


def json_field(**options: Any) -> Any:
    """A jsonb column."""
    return Field(sa_type=JSONB, **options)


def list_field(**options: Any) -> Any:
    """A column of texts."""
    return Field(sa_type=ARRAY(sa.String()), default_factory=list, **options)


def usd(**options: Any) -> Any:
    """A numeric(18,9) column of US dollars."""
    return Field(sa_type=sa.Numeric(18, 9), **options)


def big(**options: Any) -> Any:
    """A bigint column."""
    return Field(sa_type=sa.BigInteger, **options)

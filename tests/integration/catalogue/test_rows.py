"""What people changed of the catalogue, through the database and back."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from core.catalogue.file import catalogue
from core.catalogue.models import ModelRow, PriceRow
from core.catalogue.prices import PriceBook, Source
from core.catalogue.queries import load
from core.database import Database
from core.providers.models import ProviderRow
from core.vocabulary import Modality

SEPTEMBER, NOVEMBER = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


async def provider(database: Database, slug: str, kind: str) -> ProviderRow:
    async with database.transaction() as session:
        row = ProviderRow(slug=slug, name=slug, kind=kind)
        session.add(row)
    return row


async def test_stored_models_come_back_over_the_file_s_by_provider(database: Database) -> None:
    openai = await provider(database, "openai", "openai")
    second = await provider(database, "openai-eu", "openai")
    local = await provider(database, "ollama", "openai_compatible")
    async with database.transaction() as session:
        session.add(
            ModelRow(
                provider_id=openai.id, model_id="gpt-6-luna", modality=Modality.TEXT, credits=Decimal("0.25")
            )
        )
        session.add(
            ModelRow(
                provider_id=local.id,
                model_id="llama",
                modality=Modality.TEXT,
                unit="generation",
                capabilities={"sampling": True},
                plans=["pro"],
            )
        )
    async with database.transaction() as session:
        stored = await load(session)
    assert catalogue().effective("openai", stored.models[openai.id])["gpt-6-luna"].credits == Decimal("0.25")
    assert second.id not in stored.models
    llama = catalogue().effective("openai_compatible", stored.models[local.id])["llama"]
    assert (llama.unit, llama.takes_sampling, llama.plans) == ("generation", True, {"pro"})


async def test_stored_prices_go_before_the_library_s_from_their_date_on(database: Database) -> None:
    async with database.transaction() as session:
        for usd, valid_from in (("0.2", SEPTEMBER), ("0.3", NOVEMBER)):
            session.add(
                PriceRow(
                    kind="openai",
                    model_id="gpt-6-luna",
                    unit="output",
                    usd=Decimal(usd),
                    valid_from=valid_from,
                )
            )
    async with database.transaction() as session:
        book = PriceBook(catalogue().prices, (await load(session)).prices, free_kinds=catalogue().free_kinds)
    october = book.resolve("openai", "gpt-6-luna", datetime(2026, 10, 1, tzinfo=UTC))
    assert (october.output, october.valid_until, october.source) == (
        Decimal("0.0000002"),
        NOVEMBER,
        Source.MIXED,
    )
    assert book.resolve("openai", "gpt-6-luna", NOVEMBER).output == Decimal("0.0000003")
    assert book.resolve("openai", "gpt-6-luna", datetime(2026, 8, 1, tzinfo=UTC)).source is Source.LIBRARY


async def test_one_price_per_unit_and_date_is_all_the_database_takes(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.transaction() as session:
            for usd in ("1", "2"):
                session.add(
                    PriceRow(kind="openai", model_id="m", unit="input", usd=Decimal(usd), valid_from=NOVEMBER)
                )

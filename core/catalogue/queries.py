"""What people changed of the catalogue, as stored."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from core.catalogue.models import ModelRow, PriceRow


@dataclass(frozen=True, slots=True)
class Stored:
    """All rows over the catalogue file: models by provider, and dated prices."""

    models: dict[UUID, list[ModelRow]]
    prices: list[PriceRow]


async def load(session: AsyncSession) -> Stored:
    """Everything, for the snapshot: some dozens of rows."""
    models: dict[UUID, list[ModelRow]] = {}
    for row in await session.exec(select(ModelRow).order_by(col(ModelRow.model_id))):
        models.setdefault(row.provider_id, []).append(row)
    prices = await session.exec(select(PriceRow).order_by(col(PriceRow.valid_from)))
    return Stored(models, list(prices))

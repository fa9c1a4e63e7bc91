"""What a person has already seen of Purser: the ticks of the first-run checklist."""

from uuid import UUID

from core.database import Database


async def onboarding(database: Database, user_id: UUID) -> frozenset[str]:
    """The steps that a person has done or put away."""
    row = await database.fetch_one("select onboarding from users where id = %s", (user_id,))
    return frozenset(name for name, done in row[0].items() if done) if row else frozenset()


async def note_step(database: Database, user_id: UUID, step: str) -> None:
    """Ticks a step; twice is once."""
    await database.execute(
        "update users set onboarding = onboarding || jsonb_build_object(%s::varchar, true) where id = %s",
        (step, user_id),
    )

"""One tiny generation from end to end, as the first superadmin and as test traffic: does the whole chain work?"""

import time

from core.accounts.identities import Identities
from core.database import Database
from core.errors import PurserError
from core.generation.order import TextOrder
from core.generation.service import Generations
from core.system.health import Check, State
from core.vocabulary import Traffic

PROMPT = "Answer with the one word: ready."
MAX_TOKENS = 64

NAME = "generation"


async def generate_sample(database: Database, identities: Identities, generations: Generations) -> Check:
    """Runs it and says who answered, how long it took (ms) and what it was charged. May cost a fraction of a cent."""
    row = await database.fetch_one(
        "select id from users where role = 'superadmin' and status = 'active' order by id limit 1"
    )
    person = await identities.resolve_user(str(row[0])) if row else None
    if person is None:
        fix = "Run: python main.py user create EMAIL --role superadmin"
        return Check(NAME, State.FAULT, "there is no superadmin to run it as", fix)
    started = time.perf_counter()
    try:
        result = await generations.generate_text(
            person, TextOrder.of_prompt(PROMPT, max_tokens=MAX_TOKENS), traffic=Traffic.TEST
        )
    except PurserError as refusal:
        fix = "Mend what it names; the generation's row says more under its id in the page Generations."
        return Check(NAME, State.FAULT, f"{refusal.code}: {refusal.message}", fix)
    detail = (
        f"{result.provider} answered with {result.model} in {result.latency_ms:,} ms,"
        f" {result.credits:,} cr charged to the test account, {result.balance:,} cr left"
    )
    return Check(NAME, State.OK, detail, latency_ms=(time.perf_counter() - started) * 1000)

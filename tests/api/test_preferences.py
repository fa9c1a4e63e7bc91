"""`/api/preferences`: what a user would rather have, told, set, and honoured."""

from typing import Any

import httpx
import pytest

from core.accounts.prices import set_price
from core.audit import SYSTEM
from core.money import Usd
from tests.api.conftest import USER, Site, error_of

PATH = "/api/preferences"


async def put(site: Site, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await site.client.put(PATH, json=body, headers=headers or {})


async def test_what_is_preferred_is_told_and_served_first(site: Site) -> None:
    assert (await site.client.get(PATH)).json() == {"preferredProvider": None, "preferredModel": None}
    assert (await site.generate()).json()["provider"] == "openai"
    models = {
        model["id"] for one in await providers(site) for model in one["models"] if one["id"] == "gemini"
    }
    wanted = {"preferredProvider": "gemini", "preferredModel": min(models)}

    answer = await put(site, **wanted)

    assert (answer.status_code, answer.json()) == (200, wanted)
    assert (await site.client.get(PATH)).json() == wanted
    made = (await site.generate()).json()
    assert (made["provider"], made["model"]) == ("gemini", wanted["preferredModel"])
    assert (await site.generate(provider="anthropic")).json()["provider"] == "anthropic"

    assert (await put(site, preferredModel="gpt-6-luna")).json() == {
        "preferredProvider": None,
        "preferredModel": "gpt-6-luna",
    }
    assert (await site.generate()).json()["model"] == "gpt-6-luna"
    await put(site)
    assert (await site.generate()).json()["model"] == "gpt-6.1-sol"


async def providers(site: Site) -> list[dict[str, Any]]:
    return (await site.client.get("/api/ai/models")).json()["providers"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"preferredProvider": "opnai"}, 404, "provider_not_found"),
        ({"preferredModel": "gpt-6-lunar"}, 404, "model_not_found"),
        ({"preferredProvider": "gemini", "preferredModel": "gpt-6-luna"}, 404, "model_not_found"),
        ({"preferredProvider": ""}, 422, "invalid_request"),
        ({"preferredProvider": "a\u0000"}, 422, "invalid_request"),
        ({"provider": "openai"}, 422, "invalid_request"),
    ],
)
async def test_what_nobody_offers_cannot_be_preferred(
    site: Site, body: dict[str, Any], status: int, code: str
) -> None:
    error_of(await put(site, **body), status, code)
    assert (await site.client.get(PATH)).json() == {"preferredProvider": None, "preferredModel": None}


async def test_a_service_key_sets_them_for_the_user_it_names(site: Site) -> None:
    named = site.with_key(await site.service_key("generate"), **{"X-User": USER})
    assert (await put(site, named, preferredProvider="gemini")).status_code == 200
    assert (await site.client.get(PATH)).json()["preferredProvider"] == "gemini"

    error_of(await put(site, site.with_key(await site.service_key("generate"))), 400, "user_required")
    checks = site.with_key(await site.service_key("check"), **{"X-User": USER})
    error_of(await put(site, checks), 403, "scope_missing")


async def test_a_suspended_user_has_none_to_set(site: Site) -> None:
    await site.sql("update users set status = 'suspended' where email = %s", USER)
    error_of(await put(site, preferredProvider="gemini"), 403, "account_suspended")


async def test_the_list_of_models_tells_a_user_their_own_price(site: Site) -> None:
    async with site.purser.database.transaction() as session:
        await set_price(session, site.user.id, "gpt-6-luna", Usd("0.05"), actor=SYSTEM, reason="as agreed")
    await site.purser.changes.refresh()
    other = site.with_key(await site.make_user("other@example.com"))

    def luna(answer: httpx.Response) -> float:
        models = [model for one in answer.json()["providers"] for model in one["models"]]
        return next(model["credits"] for model in models if model["id"] == "gpt-6-luna")

    assert luna(await site.client.get("/api/ai/models")) == 0.05
    assert luna(await site.client.get("/api/ai/models", headers=other)) == 0.1

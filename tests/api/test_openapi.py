"""The description of the API: complete, true, and readable without a network."""

import asyncio
import re
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance

from core.config import Rate
from tests.api.conftest import ADMIN, Serve, Site

OPERATIONS = {
    ("GET", "/api/ai/models"),
    ("GET", "/api/credits"),
    ("GET", "/api/credits/entries"),
    ("GET", "/api/credits/packages"),
    ("GET", "/api/features/check"),
    ("GET", "/api/health"),
    ("GET", "/api/projects"),
    ("GET", "/api/usage"),
    ("POST", "/api/ai/generate-text"),
    ("POST", "/api/ai/models"),
    ("POST", "/api/credits/adjust"),
    ("POST", "/api/credits/purchases"),
    ("POST", "/api/credits/redeem"),
    ("POST", "/api/credits/refund"),
    ("PATCH", "/api/projects/{project_id}"),
    ("POST", "/api/features/check"),
    ("POST", "/api/projects"),
}


async def openapi(site: Site) -> dict[str, Any]:
    answer = await site.anonymous.get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


async def test_every_operation_is_described_with_its_errors_and_ways_to_authenticate(sandbox: Site) -> None:
    schema = await openapi(sandbox)
    operations = {
        (method.upper(), path): operation
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    }
    assert set(operations) >= OPERATIONS
    assert set(schema["components"]["securitySchemes"]) == {"key", "session"}
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert {"key": []} in operation["security"]
        if "Health" not in operation["tags"]:
            assert {"401", "422", "429", "503"} <= set(operation["responses"]), name
            assert "X-User" in [parameter["name"] for parameter in operation["parameters"]]
        for status, answer in operation["responses"].items():
            if not status.startswith("2") and "Health" not in operation["tags"]:
                content = answer["content"]["application/json"]["schema"]
                assert content == {"$ref": "#/components/schemas/ErrorAnswer"}


async def test_fields_are_described_in_camel_case(sandbox: Site) -> None:
    shapes = (await openapi(sandbox))["components"]["schemas"]
    names = {field for shape in shapes.values() for field in shape.get("properties", {})}
    assert {"featureId", "maxTokens", "generationsToday"} <= names
    assert not [name for name in names if "_" in name]
    assert shapes["GenerateText"]["additionalProperties"] is False


async def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing(sandbox: Site) -> None:
    answer = await sandbox.anonymous.get("/api/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in answer.text
    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", answer.text)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for _, path in OPERATIONS:
        assert path in answer.text
    links = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert links <= set(re.findall(r'id="([^"]+)"', answer.text))


@pytest.mark.parametrize("who", ["user", "service", "admin"])
async def test_whatever_is_sent_answers_keep_to_the_description(serve: Serve, who: str) -> None:
    site = await serve(
        rate_api=Rate(100_000, 60), rate_generation=Rate(100_000, 60), rate_service_key=Rate(100_000, 60)
    )
    scopes = ("generate", "check", "credits", "costs", "models")
    headers = {
        "user": site.with_key(site.key),
        "service": site.with_key(await site.service_key(*scopes), **{"X-User": str(site.user.id)}),
        "admin": site.with_key((await site.make_key(ADMIN)).secret),
    }[who]
    schema = schemathesis.openapi.from_dict(await openapi(site))
    await asyncio.to_thread(fuzz, schema, site.url, headers)


def fuzz(schema: Any, url: str, headers: dict[str, str]) -> None:
    """Ten requests of each operation, of the kind that somebody could send."""
    session = requests.Session()
    session.trust_env = False
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)

        @given(case=found.ok().as_strategy())
        @settings(
            max_examples=10,
            database=None,
            derandomize=True,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
            ],
        )
        def one(case: Any) -> None:
            case.headers = headers
            answer = case.call(base_url=url, session=session, timeout=20)
            if answer.headers.get("content-type", [""])[0].startswith("text/event-stream"):
                return
            case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

        one()
    session.close()

"""`POST /api/ai/generate-text`, whole answers: who answers, what it costs, and every way in which it is refused."""

import re
from typing import Any

import pytest

from core.config import Rate
from core.ids import new_id
from tests.api.conftest import USER, Serve, Site, error_of
from tests.api.test_stream import events_of
from tests.fakes import FakeVendors


async def test_the_answer_has_every_field_and_the_credits_are_gone(site: Site) -> None:
    answer = await site.generate()
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        *("id", "text", "provider", "model", "usage", "credits", "balance", "latencyMs", "firstTokenMs"),
        *("finishReason", "trace"),
    }
    assert (body["provider"], body["model"], body["credits"], body["balance"]) == (
        "openai",
        "gpt-6.1-sol",
        1,
        999,
    )
    assert body["usage"] == {"inputTokens": 20, "cachedTokens": 0, "outputTokens": 24, "estimated": False}
    assert [(step["provider"], step["decision"]) for step in body["trace"]] == [
        ("openai", "chosen"),
        ("gemini", "not_needed"),
        ("anthropic", "not_needed"),
    ]
    assert await site.balance() == 999


async def test_server_timing_tells_the_vendors_time_and_ours_apart(site: Site, fakes: FakeVendors) -> None:
    fakes.openai.latency = 0.3
    answer = await site.generate()
    times = dict(part.strip().split(";dur=") for part in answer.headers["Server-Timing"].split(","))
    assert float(times["vendor"]) >= 290
    assert 0 <= float(times["purser"]) < 250


async def test_messages_system_and_parameters_reach_the_vendor(site: Site, fakes: FakeVendors) -> None:
    answer = await site.client.post(
        "/api/ai/generate-text",
        json={
            "messages": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hello!"},
                {"role": "user", "content": "Again"},
            ],
            "system": "Be brief.",
            "type": "story",
            "maxTokens": 77,
            "temperature": 0.5,
            "urgency": "normal",
            "cache": False,
            "strategy": "priority",
        },
    )
    assert answer.status_code == 200, answer.text
    sent = fakes.openai.requests[-1].json
    assert [message["content"] for message in sent["messages"][1:]] == ["Hello", "Hello!", "Again"]
    assert sent["messages"][0]["content"].startswith("You write stories.")
    assert sent["messages"][0]["content"].endswith("Be brief.")
    assert sent["max_completion_tokens"] == 77


# Refused before anybody is asked


@pytest.mark.parametrize(
    ("fields", "status", "code", "said"),
    [
        ({"prompt": ""}, 400, "invalid_request", "The prompt is empty."),
        ({"prompt": " \n"}, 400, "invalid_request", "The prompt is empty."),
        ({"prompt": None}, 400, "invalid_request", "Give a prompt, or messages."),
        ({"prompt": "a\x00b"}, 400, "invalid_request", "The prompt contains a NUL character."),
        ({"messages": []}, 400, "invalid_request", "Give a prompt or messages, not both."),
        ({"type": "poem"}, 400, "invalid_request", "There is no template 'poem'"),
        ({"strategy": "fastest"}, 400, "invalid_request", "There is no strategy 'fastest'"),
        (
            {"urgency": "now"},
            400,
            "invalid_request",
            "There is no urgency 'now'; there are normal, immediate.",
        ),
        ({"maxTokens": 0}, 400, "invalid_request", "maxTokens must be between 1 and"),
        ({"maxTokens": 10**30}, 400, "invalid_request", "maxTokens must be between 1 and"),
        ({"temperature": 3}, 400, "invalid_request", "temperature must be between 0 and 2"),
        ({"maxCost": 0}, 400, "invalid_request", "maxCost must be an amount of USD above 0."),
        ({"conversationId": "c1"}, 400, "not_available", "conversationId is not available yet"),
        ({"cache": True}, 400, "not_available", "cache is not available yet"),
        ({"prompt": 7}, 422, "invalid_request", "prompt: input should be a valid string."),
        ({"maxTokens": "5"}, 422, "invalid_request", "maxTokens: input should be a valid integer."),
        ({"stream": "yes"}, 422, "invalid_request", "stream: input should be a valid boolean."),
        ({"projectId": "p1"}, 422, "invalid_request", "projectId: input should be a valid UUID"),
        ({"provider": "a\x00b"}, 422, "invalid_request", "provider: string should match pattern"),
        ({"taskType": ""}, 422, "invalid_request", "taskType: string should have at least 1 character."),
        ({"max_tokens": 5}, 422, "invalid_request", "Unknown field: max_tokens."),
        ({"foo": 1, "bar": 2}, 422, "invalid_request", "Unknown fields: foo, bar."),
        ({"model": "gpt-6.1-soll"}, 404, "model_not_found", "Did you mean 'gpt-6.1-sol'?"),
        ({"provider": "opnai"}, 404, "provider_not_found", "Did you mean 'openai'?"),
    ],
)
async def test_a_wrong_request_is_refused_in_words_and_costs_nothing(
    site: Site, fakes: FakeVendors, fields: dict[str, Any], status: int, code: str, said: str
) -> None:
    error = error_of(await site.generate(**{"prompt": "Say hello", **fields}), status, code)
    assert said in error["message"]
    assert error["retryable"] is False
    assert sum(vendor.calls for vendor in fakes.all) == 0
    assert await site.balance() == 1_000


async def test_a_prompt_of_a_megabyte_is_refused_with_its_length(sandbox: Site) -> None:
    error = error_of(await sandbox.generate("x" * 1_000_000), 413, "prompt_too_long")
    assert error["details"] == {"length": 1_000_000, "limit": 400_000}


async def test_somebody_elses_project_is_as_unknown_as_none(sandbox: Site) -> None:
    other = await sandbox.make_user("other@example.com")
    project = new_id()
    await sandbox.sql(
        "insert into projects (id, owner_id, name) values (%s, %s, 'Mine')", project, sandbox.user.id
    )
    assert (await sandbox.generate(projectId=str(project))).status_code == 200
    for headers, named in ((sandbox.with_key(other), project), ({}, new_id())):
        error_of(await sandbox.generate(projectId=str(named), headers=headers), 404, "unknown_project")
    await sandbox.sql("update projects set archived_at = now()")
    error_of(await sandbox.generate(projectId=str(project)), 409, "project_archived")


# Plans, trials, credits, limits


async def test_without_a_plan_there_is_no_generating(sandbox: Site) -> None:
    await sandbox.sql("update users set plan_id = null where email = %s", USER)
    error = error_of(await sandbox.generate(), 403, "no_plan")
    assert error["details"]["reason"] == "no_plan"


async def test_an_expired_plan_names_its_day_and_whom_to_contact(sandbox: Site) -> None:
    await sandbox.sql("update users set plan_expires_at = '2026-01-31' where email = %s", USER)
    error = error_of(await sandbox.generate(), 403, "plan_expired")
    assert "2026-01-31" in error["message"]
    assert error["details"]["contact"]


async def test_an_expired_trial_asks_for_payment_and_names_the_contact(sandbox: Site) -> None:
    key = await sandbox.make_user("trial@example.com", plan="trial")
    await sandbox.sql(
        "update users set trial_ends_at = now() - interval '1 hour' where email = 'trial@example.com'"
    )
    error = error_of(await sandbox.generate(headers=sandbox.with_key(key)), 402, "trial_expired")
    assert error["details"]["reason"] == "expired"
    assert error["details"]["contact"]


async def test_a_trial_ends_with_its_second_generation(sandbox: Site) -> None:
    headers = sandbox.with_key(await sandbox.make_user("trial@example.com", plan="trial"))
    assert [(await sandbox.generate(headers=headers)).status_code for _ in range(3)] == [200, 200, 402]
    error = error_of(await sandbox.generate(headers=headers), 402, "trial_used")
    assert (error["details"]["reason"], error["details"]["limit"]) == ("usage_limit", 2)


async def test_the_daily_limit_says_when_to_come_back(sandbox: Site) -> None:
    headers = sandbox.with_key(await sandbox.make_user("free@example.com", plan="free"))
    for _ in range(5):
        assert (await sandbox.generate(headers=headers)).status_code == 200
    answer = await sandbox.generate(headers=headers)
    assert error_of(answer, 429, "daily_limit")["details"] == {"limit": 5, "used": 5}
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400


async def test_the_monthly_ceiling_is_no_matter_of_waiting_a_moment(sandbox: Site) -> None:
    headers = sandbox.with_key(await sandbox.make_user("free@example.com", plan="free"))
    await sandbox.generate(headers=headers)
    await sandbox.sql("update quota_counters set used = 50 where name = 'month'")
    answer = await sandbox.generate(headers=headers)
    assert error_of(answer, 429, "monthly_ceiling")["retryable"] is False
    assert 0 < int(answer.headers["Retry-After"]) <= 31 * 86_400 + 3_600, "until the month is over"


async def test_insufficient_credits_say_required_and_available(site: Site) -> None:
    headers = site.with_key(await site.make_user("poor@example.com", credits=0))
    error = error_of(await site.generate(headers=headers), 402, "insufficient_credits")
    assert error["details"]["available"] == 0
    assert error["details"]["required"] > 0


async def test_twenty_generations_a_minute_and_then_a_wait(serve: Serve) -> None:
    site = await serve(rate_generation=Rate(2, 3600))
    answers = [await site.generate() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_of(answers[2], 429, "rate_limited")["retryable"] is True
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3_600
    error_of(await site.generate(stream=True), 429, "rate_limited")
    other = site.with_key((await site.make_key()).secret)
    assert (await site.generate(headers=other)).status_code == 200, "each key counts for itself"
    assert await site.balance() == 997


# Vendors that fail


async def test_an_exhausted_quota_goes_on_to_the_next_provider_and_the_trace_says_so(
    site: Site, fakes: FakeVendors
) -> None:
    fakes.openai.fail("quota")
    body = (await site.generate()).json()
    assert (body["provider"], body["model"], body["balance"]) == ("gemini", "gemini-3.8-flash", 999)
    failed, chosen, unneeded = body["trace"]
    assert (failed["provider"], failed["decision"], failed["errorClass"]) == ("openai", "failed", "quota")
    assert (chosen["provider"], chosen["decision"], chosen["reason"]) == ("gemini", "chosen", "next_in_order")
    assert unneeded["decision"] == "not_needed"
    assert fakes.openai.calls == 1, "a quota is not tried again"


async def test_a_named_provider_that_fails_is_not_replaced_unless_that_is_allowed(
    site: Site, fakes: FakeVendors
) -> None:
    fakes.gemini.fail("quota", times=1)
    error = error_of(await site.generate(provider="gemini"), 503, "all_providers_failed")
    assert [cause["provider"] for cause in error["details"]["causes"]] == ["gemini"]
    body = (await site.generate(provider="gemini", allowFallback=True)).json()
    assert body["provider"] == "openai"


async def test_when_all_are_down_every_cause_is_named_and_nothing_is_charged(
    site: Site, fakes: FakeVendors
) -> None:
    for vendor in (fakes.openai, fakes.gemini, fakes.anthropic):
        vendor.fail("quota")
    for stream in (False, True):
        error = error_of(await site.generate(stream=stream), 503, "all_providers_failed")
        assert error["retryable"] is True
        assert {cause["provider"] for cause in error["details"]["causes"]} == {
            "openai",
            "gemini",
            "anthropic",
        }
    assert await site.balance() == 1_000


async def test_no_configured_provider_says_what_to_fill_in(serve: Serve) -> None:
    site = await serve(enable_sandbox=False)
    error = error_of(await site.generate(), 503, "no_provider")
    assert "OPENAI_API_KEY" in error["message"]


async def test_the_callers_own_fault_stops_at_the_first_vendor(site: Site, fakes: FakeVendors) -> None:
    fakes.openai.fail("invalid_request")
    error_of(await site.generate(), 400, "invalid_request")
    fakes.openai.clear()
    fakes.openai.fail("blocked_400")
    error_of(await site.generate(), 422, "content_blocked")
    assert fakes.gemini.calls == 0
    assert await site.balance() == 1_000


async def test_costs_and_ends_of_keys_are_kept_from_users(site: Site, fakes: FakeVendors) -> None:
    error = error_of(await site.generate(maxCost=0.000001), 503, "no_provider")
    assert "$" not in str(error)
    assert "may cost more than maxCost allows" in str(error)
    fakes.openai.fail("quota", times=1)
    await site.generate(provider="openai", allowFallback=True)
    body = (await site.generate()).json()
    assert "····" not in str(body["trace"])


async def test_how_prices_compare_is_kept_from_users(site: Site) -> None:
    body = (await site.generate(strategy="score")).json()

    details = [step["detail"] for step in body["trace"]]
    assert all(re.search(r"score \d\.\d\d$", detail) for detail in details), details


# Urgent requests


@pytest.mark.parametrize("stream", [False, True])
async def test_an_urgent_request_is_answered_by_the_first_of_three(
    site: Site, fakes: FakeVendors, stream: bool
) -> None:
    fakes.openai.fail("hang", seconds=30)
    fakes.anthropic.fail("hang", seconds=30)
    fakes.gemini.latency = 0.3

    answer = await site.generate(urgency="immediate", stream=stream)

    assert answer.status_code == 200, answer.text
    body = events_of(answer.text)[-1][1] if stream else answer.json()
    assert body["provider"] == "gemini"
    assert [(step["provider"], step["decision"], step["reason"]) for step in body["trace"]] == [
        ("openai", "cancelled", "race"),
        ("gemini", "chosen", "race"),
        ("anthropic", "cancelled", "race"),
    ]
    assert await site.balance() == 999


async def test_server_timing_counts_calls_that_ran_side_by_side_once(site: Site, fakes: FakeVendors) -> None:
    for vendor in (fakes.openai, fakes.gemini, fakes.anthropic):
        vendor.latency = 0.4

    answer = await site.generate(urgency="immediate")

    times = dict(part.strip().split(";dur=") for part in answer.headers["Server-Timing"].split(","))
    took = max(step.get("latencyMs", 0) for step in answer.json()["trace"])
    assert float(times["vendor"]) < 2 * took

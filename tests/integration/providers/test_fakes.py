"""The fakes themselves: what the other tests and the bench rely on."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from core.errors import ErrorClass
from core.providers.base import ProviderError
from tests.fakes import FakeUsage, FakeVendors
from tests.integration.providers.conftest import REQUEST, Connect


async def test_a_fault_for_the_next_calls_ends_by_itself(fakes: FakeVendors, connect: Connect) -> None:
    provider = connect("openai")
    fakes.openai.fail("quota", times=2)
    fakes.openai.fail("overloaded", times=1)
    classes: list[ErrorClass] = []
    for _ in range(3):
        with pytest.raises(ProviderError) as failure:
            await provider.generate_text("model-1", REQUEST, timeout=30)
        classes.append(failure.value.error_class)
    assert classes == [ErrorClass.QUOTA, ErrorClass.QUOTA, ErrorClass.OVERLOADED]
    assert (await provider.generate_text("model-1", REQUEST, timeout=30)).text


async def test_calls_and_tokens_are_counted_for_each_vendor_apart(
    fakes: FakeVendors, connect: Connect
) -> None:
    fakes.openai.answer_with("Hello.", FakeUsage(input=10, output=3))
    provider = connect("openai")
    await provider.generate_text("model-1", REQUEST, timeout=30)
    await provider.generate_text("model-1", REQUEST, timeout=30)
    assert (fakes.openai.calls, fakes.openai.input_tokens, fakes.openai.output_tokens) == (2, 20, 6)
    assert fakes.deepseek.calls == fakes.anthropic.calls == fakes.gemini.calls == 0


def test_a_fault_that_a_vendor_does_not_know_is_a_mistake_of_the_test(fakes: FakeVendors) -> None:
    with pytest.raises(ValueError, match="knows no fault"):
        fakes.openai.fail("quotta")


def test_the_fakes_run_as_a_process_and_are_steered_over_http() -> None:
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes"], cwd=root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        base = process.stdout.readline().strip().removesuffix("/openai/v1")
        order = {"vendor": "openai", "fault": "quota", "times": 1, "latency": 0.01}
        with urlopen(Request(f"{base}/control", json.dumps(order).encode(), method="POST")) as answer:
            assert json.load(answer)["openai"]["faults"] == ["quota"]
        with urlopen(f"{base}/control") as answer:
            assert set(json.load(answer)) == {"openai", "anthropic", "gemini", "deepseek"}
    finally:
        process.terminate()
        assert process.wait(5) == 0

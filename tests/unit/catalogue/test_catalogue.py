"""The file's models with what people changed over them."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from core.catalogue.catalogue import Unit, check_row
from core.catalogue.file import catalogue
from core.catalogue.models import ModelRow
from core.errors import InvalidRequest
from core.vocabulary import Modality


def row(model_id: str, **values: Any) -> ModelRow:
    return ModelRow(
        provider_id=uuid4(), model_id=model_id, modality=values.pop("modality", Modality.TEXT), **values
    )


def test_without_rows_a_provider_has_the_models_of_its_kind() -> None:
    assert catalogue().effective("openai") == dict(catalogue().models["openai"])
    assert catalogue().effective("openai_compatible") == {}


def test_a_row_changes_what_it_states_and_nothing_else() -> None:
    changed = catalogue().effective("openai", [row("gpt-6-luna", credits=Decimal(3), active=False)])
    before, after = catalogue().models["openai"]["gpt-6-luna"], changed["gpt-6-luna"]
    assert (after.credits, after.active) == (Decimal(3), False)
    assert (after.unit, after.display_name, after.context_tokens) == (
        before.unit,
        before.display_name,
        before.context_tokens,
    )
    assert changed["gpt-6.1-sol"] == catalogue().models["openai"]["gpt-6.1-sol"]


def test_changes_of_one_provider_do_not_reach_another_of_its_kind() -> None:
    catalogue().effective("openai", [row("gpt-6-luna", active=False)])
    assert catalogue().effective("openai")["gpt-6-luna"].active


def test_a_row_without_an_entry_adds_a_model_that_is_not_given_away() -> None:
    models = catalogue().effective(
        "openai_compatible",
        [row("llama", capabilities={"sampling": True, "max_output_tokens": 900}), row("qwen", plans=["pro"])],
    )
    llama = models["llama"]
    assert (llama.kind, llama.display_name, llama.credits, llama.unit) == (
        "openai_compatible",
        "llama",
        1,
        Unit.TOKENS,
    )
    assert (llama.takes_sampling, llama.max_output_tokens, llama.context_tokens) == (True, 900, None)
    assert models["qwen"].allows("pro")
    assert not models["qwen"].allows("free")
    assert not models["qwen"].allows(None)
    assert llama.allows("free")


@pytest.mark.parametrize(
    "nonsense",
    [
        {"unit": "second"},
        {"unit": "bushel"},
        {"capabilities": {"sampling": "yes"}},
        {"capabilities": {"context_tokens": -1}},
        {"capabilities": {"telepathy": True}},
        {"capabilities": {"quality": 1.5}},
    ],
)
def test_a_senseless_row_is_refused_by_the_writer_and_harmless_to_the_reader(
    nonsense: dict[str, Any],
) -> None:
    senseless = row("gpt-6-luna", display_name="Luna", **nonsense)
    with pytest.raises(InvalidRequest):
        check_row(senseless)
    read = catalogue().effective("openai", [senseless])["gpt-6-luna"]
    before = catalogue().models["openai"]["gpt-6-luna"]
    assert read.display_name == "Luna"
    assert (read.unit, read.takes_sampling, read.context_tokens) == (
        before.unit,
        before.takes_sampling,
        before.context_tokens,
    )


@pytest.mark.parametrize("credits", ["-1", "NaN", "Infinity"])
def test_credits_must_be_a_sum(credits: str) -> None:
    with pytest.raises(InvalidRequest, match="0 or more"):
        check_row(row("gpt-6-luna", credits=Decimal(credits)))


def test_a_sensible_row_passes() -> None:
    sensible = row(
        "m", credits=Decimal("0.5"), unit="generation", capabilities={"streaming": False, "quality": 0.4}
    )
    check_row(sensible)
    assert catalogue().effective("openai", [sensible])["m"].quality == 0.4

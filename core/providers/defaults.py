"""What each kind of provider starts with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# What a provider may be asked for and what it is good at (DATA, Defaults): prefilled, off until switched on.
PREFILLED_LIMITS: Mapping[str, Mapping[str, float]] = {
    "deepseek": {"requests_per_minute": 60, "tokens_per_day": 1_000_000, "usd_per_day": 100},
    "openai": {"requests_per_minute": 30, "tokens_per_day": 500_000, "usd_per_day": 1_000},
    "anthropic": {"requests_per_minute": 20, "tokens_per_day": 300_000, "usd_per_day": 900},
    "gemini": {"requests_per_minute": 60, "tokens_per_day": 1_000_000, "usd_per_day": 100},
}
SPECIALISATIONS: Mapping[str, tuple[str, ...]] = {
    "deepseek": ("code", "technical"),
    "openai": ("general", "creative"),
    "anthropic": ("analysis", "ethics", "safety"),
    "gemini": ("general",),
    "sandbox": ("general",),
}


@dataclass(frozen=True, slots=True)
class KindDefaults:
    """The catalogue's default and fallback model of a kind, by modality."""

    default_models: Mapping[str, str] = field(default_factory=dict)
    fallback_models: Mapping[str, str] = field(default_factory=dict)

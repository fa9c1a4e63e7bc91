"""DeepSeek: OpenAI-compatible, with its own cache counts and a probe that tells the balance."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from core.errors import ErrorClass
from core.providers.base import ProviderError, Usage
from core.providers.openai_compatible import OpenAICompatible, timeouts

if TYPE_CHECKING:
    from openai import AsyncOpenAI


class DeepSeek(OpenAICompatible):
    """A connection to DeepSeek with one key."""

    kind: ClassVar[str] = "deepseek"
    label: ClassVar[str] = "DeepSeek"
    needs_key: ClassVar[bool] = True
    default_base_url: ClassVar[str | None] = "https://api.deepseek.com"
    key_shape: ClassVar[str | None] = "sk-"

    def _usage(self, told: Any) -> Usage | None:
        """`prompt_tokens` is hit plus miss of the cache, which come beside OpenAI's own fields."""
        usage = super()._usage(told)
        hit = told.get("prompt_cache_hit_tokens") if told is not None else None
        return replace(usage, cached_tokens=hit) if usage and isinstance(hit, int) else usage

    async def _ask(self, client: "AsyncOpenAI", limit: float) -> str:
        """`GET /user/balance`: `{is_available, balance_infos: [{currency, total_balance, …}]}`."""
        told = await client.get("/user/balance", cast_to=dict[str, Any], options={"timeout": timeouts(limit)})
        infos = told.get("balance_infos") if isinstance(told, dict) else None
        if not isinstance(infos, list):
            raise ProviderError(
                ErrorClass.INVALID_REQUEST, "No balance under this address; is the base URL right?"
            )
        balance = ", ".join(f"{info.get('total_balance')} {info.get('currency')}" for info in infos) or "none"
        if told.get("is_available") is False:
            raise ProviderError(ErrorClass.QUOTA, f"The balance does not suffice for calls: {balance}.")
        return f"Balance: {balance}."

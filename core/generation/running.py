"""A generation between its two transactions."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from core.accounts.person import Person
from core.generation.order import TextOrder
from core.providers.base import TextRequest
from core.routing.walk import Walk
from core.vocabulary import Modality, Traffic


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for what: all that the row begins with. `request_id` is the HTTP request's."""

    id: UUID
    person: Person
    order: TextOrder
    request: TextRequest
    traffic: Traffic
    strategy: str
    request_id: str | None = None

    def row(self) -> dict[str, Any]:
        """The parameters that `statements.BEGIN` and `REFUSE` share."""
        order = self.order
        parameters: dict[str, Any] = {"maxTokens": order.max_tokens}
        for name, value in (
            ("temperature", order.temperature),
            ("taskType", order.task_type),
            ("maxCost", order.max_cost),
            ("urgency", order.urgency if order.urgent else None),
        ):
            if value is not None:
                parameters[name] = value
        prompt = {"system": self.request.system, "messages": self.request.messages}
        return {
            "id": self.id,
            "user_id": self.person.user_id,
            "api_key_id": self.person.key.id if self.person.key else None,
            "project_id": order.project_id,
            "traffic": self.traffic.value,
            "modality": Modality.TEXT.value,
            "type": order.type,
            "streamed": order.streamed,
            "requested_provider": order.provider,
            "requested_model": order.model,
            "allow_fallback": order.fallback,
            "strategy": self.strategy,
            "parameters": orjson.dumps(parameters, default=str).decode(),
            "prompt": orjson.dumps(prompt).decode(),
            "request_id": self.request_id,
        }


@dataclass(frozen=True, slots=True)
class Running:
    """What was asked, the credits held for it, and the walk to its answer."""

    asked: Asked
    held: int
    walk: Walk
    began: float = field(default_factory=time.perf_counter)

    @property
    def id(self) -> UUID:
        return self.asked.id

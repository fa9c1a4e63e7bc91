"""What calls about plans and features take and answer."""

from typing import Annotated

from pydantic import Field

from core.entitlements.fields import LARGEST, LONGEST_DESCRIPTION, LONGEST_NAME
from core.entitlements.models import Tier
from core.entitlements.rules import LONGEST_ID
from core.vocabulary import STRATEGIES, Modality
from dashboard.api.answers import Body, Shape

UNLIMITED = "Null is no limit."
FIXED = "It cannot be changed later."


class PlanEntry(Shape):
    """A plan. Null is unlimited wherever a limit stands."""

    id: str = Field(examples=["premium"])
    display_name: str
    tier: Tier
    rank: int = Field(description="Plans are shown in this order.")
    features: list[str]
    modalities: list[Modality]
    daily_generations: int | None
    monthly_credits: int = Field(description="Granted once a period.")
    monthly_ceiling: int | None = Field(description="Credits that may be spent in a calendar month.")
    daily_credits: int = Field(description="Free credits that end at midnight.")
    trial_days: int | None
    trial_uses: int | None
    max_projects: int | None
    watermark: bool
    routing_strategy: str
    retired: bool = Field(description="Whoever is on it keeps it; nobody can join it.")


class PlanAnswer(PlanEntry):
    version: int = Field(description="Of all plans and features, as of this answer.")


class PlanList(Shape):
    """One page of plans, by rank."""

    items: list[PlanEntry]
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")
    version: int


class FeatureEntry(Shape):
    """A feature as it is defined."""

    id: str = Field(examples=["voice-over"])
    display_name: str
    description: str
    retired: bool = Field(description="A retired feature counts as not defined.")
    plans: list[str] = Field(description="Plans that it is on.")


class FeatureAnswer(FeatureEntry):
    version: int = Field(description="Of all plans and features, as of this answer.")


class FeatureList(Shape):
    """One page of features, by id."""

    items: list[FeatureEntry]
    next: str | None = Field(description="Send it as `after` for the next page; null at the end.")
    version: int


class Write(Body):
    """What every write says."""

    reason: str = Field(min_length=1, max_length=500, description="Kept in the history and the audit.")
    version: int | None = Field(
        None,
        ge=0,
        le=2**53,
        description="The version that the change was made on; where somebody has saved since, it is refused with"
        " `changed_meanwhile`. Without it, the change is made on whatever is the newest.",
    )


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Ids = Annotated[list[Annotated[str, Field(max_length=LONGEST_ID)]], Field(max_length=500)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Modalities = Annotated[list[Annotated[Modality, Field(strict=False)]], Field(min_length=1, max_length=10)]


class PlanFields(Write):
    """A plan's properties. Null is unlimited wherever a limit stands."""

    tier: Tier = Field(Tier.PAID, strict=False)
    rank: int = Field(0, ge=0, le=10_000)
    features: Ids = Field([], description="All features that shall be on the plan.")
    modalities: Modalities = Field([Modality.TEXT])
    daily_generations: Count | None = Field(None, description=UNLIMITED)
    monthly_credits: Count = 0
    monthly_ceiling: Count | None = Field(None, description=UNLIMITED)
    daily_credits: Count = 0
    trial_days: int | None = Field(None, ge=1, le=3_650, description="Null: it does not end by days.")
    trial_uses: int | None = Field(None, ge=1, le=LARGEST, description="Null: it does not end by uses.")
    max_projects: Count | None = Field(None, description=UNLIMITED)
    watermark: bool = False
    routing_strategy: str = Field("priority", max_length=20, description=", ".join(STRATEGIES))
    retired: bool = False


class PlanChange(PlanFields):
    """What to change of a plan; what is left out stays. Null is unlimited wherever a limit stands."""

    display_name: Name = ""


class NewPlan(PlanFields):
    """A plan to be added; what is left out has its default."""

    id: str = Field(min_length=1, max_length=LONGEST_ID, description=FIXED, examples=["team"])
    display_name: Name


class FeatureFields(Write):
    """A feature's properties."""

    description: str = Field("", max_length=LONGEST_DESCRIPTION)
    retired: bool = False
    plans: Ids = Field([], description="All plans that it shall be on.")


class FeatureChange(FeatureFields):
    """What to change of a feature; what is left out stays."""

    display_name: Name = ""


class NewFeature(FeatureFields):
    """A feature to be defined."""

    id: str = Field(min_length=1, max_length=LONGEST_ID, description=FIXED, examples=["subtitles"])
    display_name: Name

"""Settings: the only reader of the environment.

Names are those of SPEC 11, upper-cased; `.env.example` lists every one (a test compares). A wrong value stops the
start: `load()` raises `SettingsError`, one line per fault with name, what is wrong, and an example.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.fernet import Fernet
from pydantic import (
    AnyHttpUrl,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Kind = Literal["openai", "gemini", "anthropic", "deepseek", "replicate", "openai_compatible", "sandbox"]
KEYED_KINDS: tuple[Kind, ...] = ("openai", "gemini", "anthropic", "deepseek")
"""The kinds that an environment can configure today, in the default order of preference."""

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class SettingsError(Exception):
    """The environment holds values that Purser cannot start with; `lines` has one per fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds, written `20/m` or `100/15m`."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: Any) -> "Rate":
        if isinstance(text, Rate):
            return text
        match = re.fullmatch(r"\s*(\d+)\s*/\s*(\d*)\s*([smhd])\s*", str(text))
        if not match or int(match[1]) < 1 or match[2] == "0":
            raise ValueError("must be a count and a period, as in 20/m")
        return cls(int(match[1]), int(match[2] or 1) * UNIT_SECONDS[match[3]])


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
RateSetting = Annotated[Rate, NoDecode, BeforeValidator(Rate.parse)]


def _name(default: str | None, example: str) -> Any:
    return Field(default=default, examples=[example])


class Settings(BaseSettings):
    """Everything the environment may say. Times in the unit that each name or comment gives."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True)

    # Database
    database_url: SecretStr | None = Field(None, examples=["postgresql://purser:secret@db.internal/purser"])
    database_listen_url: SecretStr | None = Field(
        None, examples=["postgresql://purser:secret@db.internal/purser"]
    )
    database_pool_size: int = Field(10, ge=2, le=500, examples=["10"])
    database_pool_timeout: float = Field(30, gt=0, examples=["30"])
    database_connect_timeout: int = Field(30, ge=1, examples=["30"])
    data_dir: Path = Field(Path("data"), examples=["./data"])

    # Serving
    host: str = Field("127.0.0.1", examples=["127.0.0.1"])
    port: int = Field(8080, ge=1, le=65535, examples=["8080"])
    environment: Literal["dev", "staging", "prod"] = Field("dev", examples=["dev"])
    secret_key: SecretStr | None = Field(None, examples=["(32 random characters)"])
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)] = Field(
        (),
        examples=[
            "(from: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"
        ],
    )
    admin_email: str | None = Field(None, examples=["you@example.com"])
    admin_password: SecretStr | None = Field(None, examples=["(at least 12 characters)"])
    time_zone: str = Field("UTC", examples=["Europe/Berlin"])
    allowed_internal_hosts: Names | None = Field(None, examples=["localhost,127.0.0.1"])
    trusted_proxies: Names = Field((), examples=["10.0.0.1"])
    cors_origins: Names = Field((), examples=["https://app.example.com"])
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", examples=["INFO"])
    log_format: Literal["text", "json"] = Field("text", examples=["json"])

    # Providers: read at the first start only; from then on the database is the truth
    openai_api_key: SecretStr | None = Field(None, examples=["sk-…"])
    google_ai_api_key: SecretStr | None = Field(None, examples=["AIza…"])
    anthropic_api_key: SecretStr | None = Field(None, examples=["sk-ant-…"])
    deepseek_api_key: SecretStr | None = Field(None, examples=["sk-…"])
    openai_base_url: AnyHttpUrl | None = Field(None, examples=["https://api.openai.com/v1"])
    gemini_base_url: AnyHttpUrl | None = Field(None, examples=["https://generativelanguage.googleapis.com"])
    anthropic_base_url: AnyHttpUrl | None = Field(None, examples=["https://api.anthropic.com"])
    deepseek_base_url: AnyHttpUrl | None = Field(None, examples=["https://api.deepseek.com"])
    openai_default_model: str | None = _name(None, "gpt-6.1-sol")
    gemini_default_model: str | None = _name(None, "gemini-3.8-flash")
    anthropic_default_model: str | None = _name(None, "claude-sonnet-5-5")
    deepseek_default_model: str | None = _name(None, "deepseek-flash")
    openai_fallback_model: str | None = _name(None, "gpt-6-luna")
    gemini_fallback_model: str | None = _name(None, "gemini-3.5-flash-lite")
    anthropic_fallback_model: str | None = _name(None, "claude-haiku-5-5")
    deepseek_fallback_model: str | None = _name(None, "deepseek-v4-pro")
    enable_openai: bool = Field(True, examples=["true"])
    enable_gemini: bool = Field(True, examples=["true"])
    enable_anthropic: bool = Field(True, examples=["true"])
    enable_deepseek: bool = Field(True, examples=["true"])
    enable_sandbox: bool | None = Field(None, examples=["true"])
    ai_provider_priority: Names = Field(
        ("openai", "gemini", "anthropic"), examples=["openai,gemini,anthropic"]
    )
    circuit_breaker_threshold: int = Field(5, ge=1, le=1000, examples=["5"])
    circuit_breaker_timeout: int = Field(60_000, ge=100, examples=["60000"])  # milliseconds

    # Money and limits
    free_user_daily_limit: int = Field(5, ge=0, examples=["5"])
    credit_usd_value: Decimal = Field(Decimal("0.01"), ge=0, examples=["0.01"])
    rate_api: RateSetting = Field(Rate(100, 900), examples=["100/15m"])
    rate_generation: RateSetting = Field(Rate(20, 60), examples=["20/m"])
    rate_login: RateSetting = Field(Rate(5, 60), examples=["5/m"])
    rate_service_key: RateSetting = Field(Rate(600, 60), examples=["600/m"])

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError("is not a time zone of the IANA list") from unknown
        return value

    @field_validator("ai_provider_priority")
    @classmethod
    def _known_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in KEYED_KINDS:
                raise ValueError(f"names {name!r}, which is none of {', '.join(KEYED_KINDS)}")
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for number, key in enumerate(value, 1):
            try:
                Fernet(key.get_secret_value())
            except ValueError as malformed:
                raise ValueError(
                    f"key {number} is not a Fernet key (32 bytes, url-safe base64)"
                ) from malformed
        return value

    @field_validator("database_url", "database_listen_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.match(r"postgres(ql)?(\+psycopg)?://", value.get_secret_value()):
            raise ValueError("must be a postgresql:// address; Purser runs on PostgreSQL only")
        return value

    @field_validator("admin_email")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise ValueError("is not an e-mail address")
        return value

    @field_validator("admin_password")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 12:
            raise ValueError("must have at least 12 characters")
        return value

    @model_validator(mode="after")
    def _complete_in_production(self) -> "Settings":
        if self.environment == "prod":
            missing = [n for n in ("secret_key", "encryption_keys") if not getattr(self, n)]
            if missing:
                raise ValueError(
                    "\n".join(f"{n.upper()}: must be set when ENVIRONMENT=prod" for n in missing)
                )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def internal_hosts(self) -> tuple[str, ...]:
        """Hosts inside the network that base URLs may name: loopback in dev, none otherwise unless listed."""
        if self.allowed_internal_hosts is not None:
            return self.allowed_internal_hosts
        return ("localhost", "127.0.0.1", "::1") if self.environment == "dev" else ()


def load(**overrides: Any) -> Settings:
    """The settings of the environment and `.env`.

    Raises:
        SettingsError: one line per fault.
    """
    try:
        return Settings(**overrides)
    except ValidationError as faults:
        raise SettingsError([line for fault in faults.errors() for line in _lines(fault)]) from None


def _lines(fault: Any) -> list[str]:
    message = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:  # a rule across several values names its own, one a line
        named = [line.partition(": ") for line in message.splitlines()]
        return [f"{name}: {what}. Example: {name}={_example(name)}" for name, _, what in named]
    name = str(fault["loc"][0]).upper()
    given = "" if _secret(name) else f" (got {str(fault['input'])!r})"
    message = message[0].lower() + message[1:]
    return [f"{name}: {message}{given}. Example: {name}={_example(name)}"]


def _example(name: str) -> str:
    field = Settings.model_fields[name.lower()]
    return str((field.examples or ["…"])[0])


def _secret(name: str) -> bool:
    return "SecretStr" in str(Settings.model_fields[name.lower()].annotation)

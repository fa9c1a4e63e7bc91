"""What the environment may say, and what the start answers when it says nonsense."""

from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from core.config import Rate, Settings, SettingsError, load

SECRETS = (
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
    "ADMIN_PASSWORD",
    "DATABASE_URL",
    "DATABASE_LISTEN_URL",
    "OPENAI_API_KEY",
    "GOOGLE_AI_API_KEY",
    "ANTHROPIC_API_KEY",
    "DEEPSEEK_API_KEY",
)


@pytest.fixture(autouse=True)
def bare(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing set, and no `.env` in the folder."""
    monkeypatch.chdir(tmp_path)


def faults(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value) == "\n".join(raised.value.lines)
    return raised.value.lines


def test_nothing_set_is_enough_to_start() -> None:
    settings = load()

    assert (settings.port, settings.environment, settings.database_url) == (8080, "dev", None)
    assert settings.credit_usd_value == Decimal("0.01")
    assert settings.ai_provider_priority == ("openai", "gemini", "anthropic")


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("PORT", "http", "integer"),
        ("PORT", "70000", "65535"),
        ("DATABASE_POOL_SIZE", "1", "greater than or equal to 2"),
        ("ENVIRONMENT", "production", "'dev', 'staging' or 'prod'"),
        ("TIME_ZONE", "Middle/Earth", "not a time zone"),
        ("TIME_ZONE", "../../etc/passwd", "not a time zone"),
        ("AI_PROVIDER_PRIORITY", "openai,oracle", "'oracle'"),
        ("OPENAI_BASE_URL", "api.openai.com", "valid URL"),
        ("RATE_API", "often", "as in 20/m"),
        ("RATE_LOGIN", "0/m", "as in 20/m"),
        ("RATE_LOGIN", "5/0m", "as in 20/m"),
        ("ADMIN_EMAIL", "nobody", "not an e-mail address"),
        ("CREDIT_USD_VALUE", "-1", "greater than or equal to 0"),
        ("ENABLE_SANDBOX", "perhaps", "boolean"),
        ("LOG_LEVEL", "LOUD", "'DEBUG'"),
        ("CIRCUIT_BREAKER_TIMEOUT", "60s", "integer"),
    ],
)
def test_a_wrong_value_is_told_by_name_fault_value_and_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    (line,) = faults(monkeypatch, **{name: value})

    assert line.startswith(f"{name}: ")
    assert what in line
    assert value.split(",")[0] in line
    assert f"Example: {name}=" in line


def test_every_fault_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, PORT="-1", TIME_ZONE="Nowhere", RATE_API="x", ADMIN_PASSWORD="short")

    assert sorted(line.split(":")[0] for line in lines) == ["ADMIN_PASSWORD", "PORT", "RATE_API", "TIME_ZONE"]
    assert not any("\n" in line for line in lines)


def test_every_example_is_itself_a_value_that_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in Settings.model_fields.items():
        example = str((field.examples or [""])[0])
        assert example, f"{name} has no example"
        if example.startswith("("):  # described, since a ready secret would be used as it stands
            continue
        with monkeypatch.context() as one:
            one.setenv(name.upper(), example)
            load()


@pytest.mark.parametrize("name", SECRETS)
def test_no_fault_line_repeats_a_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("PORT", "nonsense")  # some of them take any text; the start fails either way

    lines = faults(monkeypatch)

    assert "hunter2" not in "\n".join(lines)


def test_a_malformed_encryption_key_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Fernet.generate_key().decode()

    (line,) = faults(monkeypatch, ENCRYPTION_KEYS=f"{good},not-a-key")

    assert "key 2 is not a Fernet key" in line
    assert good not in line
    assert "not-a-key" not in line


def test_production_names_each_secret_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, ENVIRONMENT="prod")

    assert len(lines) == 2
    for line, name in zip(lines, ("SECRET_KEY", "ENCRYPTION_KEYS"), strict=True):
        assert line.startswith(f"{name}: must be set when ENVIRONMENT=prod. Example: {name}=")


def test_production_starts_with_both_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    monkeypatch.setenv("SECRET_KEY", "x" * 32)
    monkeypatch.setenv("ENCRYPTION_KEYS", Fernet.generate_key().decode())

    assert load().environment == "prod"


def test_blank_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "DATABASE_URL", "OPENAI_API_KEY", "ENABLE_SANDBOX", "RATE_API", "ENCRYPTION_KEYS"):
        monkeypatch.setenv(name, "")

    assert load() == Settings(_env_file=None)  # pyright: ignore[reportCallIssue] - pydantic-settings takes it


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{one}, {other}")
    monkeypatch.setenv("AI_PROVIDER_PRIORITY", "anthropic, openai")
    monkeypatch.setenv("ALLOWED_INTERNAL_HOSTS", "localhost, ollama.internal")
    monkeypatch.setenv("RATE_API", "100/15m")

    settings = load()

    assert [key.get_secret_value() for key in settings.encryption_keys] == [one, other]
    assert settings.ai_provider_priority == ("anthropic", "openai")
    assert settings.internal_hosts == ("localhost", "ollama.internal")
    assert settings.rate_api == Rate(100, 900)


def test_loopback_counts_as_internal_in_dev_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "127.0.0.1" in load().internal_hosts
    monkeypatch.setenv("ENVIRONMENT", "staging")
    assert load().internal_hosts == ()


def test_the_env_file_is_read_and_the_environment_goes_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nTIME_ZONE=Europe/Berlin\nNOT_OURS=1\n")
    monkeypatch.setenv("PORT", "9001")

    settings = load()

    assert (settings.port, settings.time_zone, settings.zone.key) == (9001, "Europe/Berlin", "Europe/Berlin")


def test_settings_show_no_secret_when_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-1234567890")
    monkeypatch.setenv("DATABASE_URL", "postgresql://purser:hunter2@db/purser")

    shown = repr(load())

    assert "1234567890" not in shown
    assert "hunter2" not in shown

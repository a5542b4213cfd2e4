import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings, SettingError, Settings, load_settings, variable_name


class SearchSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SEARCH_")

    port: int = 50052
    metrics_port: int = 9466
    drain_s: float = 30.0
    timeout_s: float = 2.0
    weights: tuple[float, ...] = (1.0, 0.5)
    qdrant_url: str | None = Field(default=None, validation_alias="QDRANT_URL")
    api_key: SecretStr | None = Field(default=None, validation_alias="QDRANT_API_KEY")


class StrictSettings(SearchSettings):
    collection: str


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for field in StrictSettings.model_fields:
        monkeypatch.delenv(variable_name(StrictSettings, field), raising=False)
    return monkeypatch


def complaints(settings: type[Settings], capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as exit_:
        load_settings(settings)
    assert exit_.value.code == 78
    return capsys.readouterr().err.splitlines()


def test_defaults_hold_where_nothing_is_set() -> None:
    settings = load_settings(SearchSettings)

    assert (settings.bind, settings.port, settings.environment) == ("127.0.0.1", 50052, "development")
    assert settings.qdrant_url is None


def test_fields_are_read_with_the_prefix_of_the_service(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEARCH_PORT", "6000")
    environment.setenv("SEARCH_TIMEOUT_S", "0.5")

    settings = load_settings(SearchSettings)

    assert (settings.port, settings.timeout_s) == (6000, 0.5)


def test_log_level_and_environment_have_no_prefix_and_ignore_case(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "debug")
    environment.setenv("ENVIRONMENT", "production")

    settings = load_settings(SearchSettings)

    assert (settings.log_level, settings.environment) == ("DEBUG", "production")


def test_a_field_with_a_name_of_its_own_has_only_that_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEARCH_QDRANT_URL", "http://wrong")
    environment.setenv("QDRANT_URL", "http://right")

    assert load_settings(SearchSettings).qdrant_url == "http://right"


def test_an_empty_variable_counts_as_unset(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("QDRANT_URL", "")
    environment.setenv("SEARCH_PORT", "")
    environment.setenv("QDRANT_API_KEY_FILE", "")

    settings = load_settings(SearchSettings)

    assert (settings.qdrant_url, settings.port, settings.api_key) == (None, 50052, None)


@pytest.mark.parametrize(
    ("variable", "content", "field", "value"),
    [
        ("SEARCH_PORT", "6001\n", "port", 6001),
        ("LOG_LEVEL", "warning\n", "log_level", "WARNING"),
        ("QDRANT_URL", "  http://q  ", "qdrant_url", "http://q"),
        ("SEARCH_WEIGHTS", "[2, 3]", "weights", (2.0, 3.0)),
    ],
)
def test_every_variable_may_be_a_file(
    environment: pytest.MonkeyPatch, tmp_path: Path, variable: str, content: str, field: str, value: object
) -> None:
    (tmp_path / "value").write_text(content, encoding="utf-8")
    environment.setenv(f"{variable}_FILE", str(tmp_path / "value"))

    assert getattr(load_settings(SearchSettings), field) == value


def test_a_secret_file_is_read_and_not_shown(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n", encoding="utf-8")
    environment.setenv("QDRANT_API_KEY_FILE", str(tmp_path / "key"))

    key = load_settings(SearchSettings).api_key

    assert key is not None
    assert key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(load_settings(SearchSettings))


def test_an_empty_file_counts_as_unset(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("\n", encoding="utf-8")
    environment.setenv("QDRANT_URL_FILE", str(tmp_path / "url"))

    assert load_settings(SearchSettings).qdrant_url is None


def test_a_variable_and_its_file_together_are_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text("from-file", encoding="utf-8")
    environment.setenv("QDRANT_API_KEY", "from-variable")
    environment.setenv("QDRANT_API_KEY_FILE", str(tmp_path / "key"))

    (line,) = complaints(SearchSettings, capsys)

    assert line.startswith("QDRANT_API_KEY: ")
    assert "QDRANT_API_KEY_FILE" in line
    assert "from-" not in line


def test_a_missing_file_is_refused_by_the_name_of_its_variable(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("QDRANT_API_KEY_FILE", str(tmp_path / "absent"))

    (line,) = complaints(SearchSettings, capsys)

    assert "QDRANT_API_KEY_FILE must be the path of a readable UTF-8 file" in line
    assert str(tmp_path) not in line


def test_a_file_that_is_no_text_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    environment.setenv("QDRANT_API_KEY_FILE", str(tmp_path / "key"))

    (line,) = complaints(SearchSettings, capsys)

    assert "QDRANT_API_KEY_FILE" in line


def test_every_bad_value_is_told_in_a_line_of_its_own(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SEARCH_PORT", "70000")
    environment.setenv("SEARCH_TIMEOUT_S", "soon")
    environment.setenv("SEARCH_WEIGHTS", "a,b")
    environment.setenv("ENVIRONMENT", "staging")
    environment.setenv("QDRANT_URL_FILE", str(tmp_path / "absent"))

    lines = complaints(StrictSettings, capsys)

    told = {line.partition(":")[0] for line in lines}
    assert told == {
        "SEARCH_PORT",
        "SEARCH_TIMEOUT_S",
        "SEARCH_WEIGHTS",
        "ENVIRONMENT",
        "QDRANT_URL",
        "SEARCH_COLLECTION",
    }
    assert len(lines) == len(told)


def test_a_line_says_what_is_expected(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("ENVIRONMENT", "staging")

    (line,) = complaints(SearchSettings, capsys)

    assert line == "ENVIRONMENT: Input should be 'development' or 'production'"


def test_a_required_variable_is_asked_for_with_both_its_names(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = complaints(StrictSettings, capsys)

    assert line == "SEARCH_COLLECTION: required; set it, or SEARCH_COLLECTION_FILE to the path of a file that holds it"


@given(value=st.text(st.characters(categories=["L"]), min_size=8))
def test_a_refused_value_is_never_repeated(value: str) -> None:
    with pytest.MonkeyPatch.context() as environment, redirect_stderr(StringIO()) as told:
        environment.setenv("SEARCH_PORT", value)
        with pytest.raises(SystemExit):
            load_settings(SearchSettings)

    assert told.getvalue().startswith("SEARCH_PORT: ")
    assert value not in told.getvalue()


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_outside_the_range_is_refused_whatever_the_service_declares(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    environment.setenv("SEARCH_PORT", port)

    assert complaints(SearchSettings, capsys) == ["SEARCH_PORT: expected a port, 0 to 65535"]


@pytest.mark.parametrize("drain", ["-1", "inf", "nan"])
def test_a_drain_that_is_no_duration_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], drain: str
) -> None:
    environment.setenv("SEARCH_DRAIN_S", drain)

    assert complaints(SearchSettings, capsys) == ["SEARCH_DRAIN_S: expected seconds, 0 or more"]


def test_settings_cannot_be_changed() -> None:
    settings = SearchSettings()

    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1


def test_a_test_or_a_program_may_give_fields_by_name() -> None:
    settings = SearchSettings(port=0, log_level="ERROR", qdrant_url="http://q")

    assert (settings.port, settings.log_level, settings.qdrant_url) == (0, "ERROR", "http://q")


@pytest.mark.parametrize(
    ("field", "variable"),
    [("port", "SEARCH_PORT"), ("log_level", "LOG_LEVEL"), ("qdrant_url", "QDRANT_URL")],
)
def test_a_field_knows_its_variable(field: str, variable: str) -> None:
    assert variable_name(SearchSettings, field) == variable


def test_a_setting_error_names_the_variable() -> None:
    assert str(SettingError(SearchSettings(), "port", "it is taken")) == "SEARCH_PORT: it is taken"


def test_a_process_with_bad_settings_leaves_with_78_and_no_traceback() -> None:
    program = (
        "from marianne_chassis.settings import ServiceSettings, load_settings\n"
        "class Needy(ServiceSettings): model: str\n"
        "load_settings(Needy)"
    )

    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert process.returncode == 78
    assert [line.partition(":")[0] for line in process.stderr.splitlines()] == [
        "PORT",
        "METRICS_PORT",
        "DRAIN_S",
        "MODEL",
    ]


class JobSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="JOB_")

    limit: int = 10


def test_a_program_that_listens_nowhere_has_no_ports(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JOB_LIMIT", "3")
    environment.setenv("JOB_PORT", "none of its business")

    assert load_settings(JobSettings).limit == 3

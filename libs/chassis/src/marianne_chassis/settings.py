"""Settings of a service: read once from the environment, frozen, and refused as a whole when one value is bad."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

EX_CONFIG = 78  # sysexits.h: something was found in an unconfigured or misconfigured state

LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(lambda level: str(level).upper())]


class SettingError(Exception):
    """A setting that cannot be honoured; the message names its variable and stands for itself in the log."""

    def __init__(self, settings: "Settings", field: str, reason: str) -> None:
        super().__init__(f"{variable_name(type(settings), field)}: {reason}")


class Settings(BaseSettings):
    """What any program is told.

    Field `timeout_s` of a subclass with `model_config = SettingsConfigDict(env_prefix="SEARCH_")` is the variable
    `SEARCH_TIMEOUT_S`; `Field(validation_alias="LLM_BASE_URL")` gives a field a name of its own. Every variable may
    instead be given as `<NAME>_FILE`, the path of a UTF-8 file whose stripped content is the value. An empty value
    counts as unset.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        validate_by_name=True,
        validate_by_alias=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    log_level: LogLevel = Field(default="INFO", validation_alias="LOG_LEVEL")
    environment: Literal["development", "production"] = Field(default="development", validation_alias="ENVIRONMENT")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, _EnvironmentOrFile(settings_cls))

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_unreadable(cls, value: object) -> object:
        if isinstance(value, _Unreadable):
            raise ValueError(value.reason)  # noqa: TRY004  pydantic collects ValueErrors
        return value


class ServiceSettings(Settings):
    """What every service is told besides; the subclass gives the ports and the drain their defaults."""

    bind: str = "127.0.0.1"
    port: int
    metrics_bind: str = "127.0.0.1"
    metrics_port: int
    drain_s: float

    @field_validator("port", "metrics_port")
    @classmethod
    def _check_port(cls, port: int) -> int:
        if not 0 <= port <= 65535:
            raise ValueError("expected a port, 0 to 65535")
        return port

    @field_validator("drain_s")
    @classmethod
    def _check_duration(cls, seconds: float) -> float:
        if not 0 <= seconds < float("inf"):
            raise ValueError("expected seconds, 0 or more")
        return seconds


S = TypeVar("S", bound=Settings)


def load_settings(settings: type[S]) -> S:
    """Reads `settings` from the environment; on bad values writes one line for each to stderr and exits with 78.

    The lines name the variables and what is expected of them, never what was given.
    """
    try:
        return cast("Callable[[], S]", settings)()  # the environment gives what the constructor asks for
    except ValidationError as error:
        sys.stderr.write("".join(f"{line}\n" for line in _complaints(settings, error)))
        sys.exit(EX_CONFIG)


def variable_name(settings: type[BaseSettings], field: str) -> str:
    """The environment variable of a field."""
    alias = settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def _complaints(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    variables = {variable: variable for variable in (variable_name(settings, name) for name in settings.model_fields)}
    variables |= {name: variable_name(settings, name) for name in settings.model_fields}
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        variable = variables[str(problem["loc"][0])] if problem["loc"] else "configuration"
        missing = f"required; set it, or {variable}_FILE to the path of a file that holds it"
        message = missing if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        lines.append(f"{variable}: {message}")
    return lines


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Stands for a value that could not be read, so that validation reports it beside all other faults."""

    reason: str


class _EnvironmentOrFile(EnvSettingsSource):
    """One variable for each field, or the file that `<NAME>_FILE` points at."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = variable_name(self.settings_cls, field_name)
        alias = field.validation_alias
        key = alias if isinstance(alias, str) else field_name
        return self._read(variable), key, False

    def prepare_field_value(self, field_name: str, field: FieldInfo, value: Any, value_is_complex: bool) -> Any:
        if isinstance(value, _Unreadable):
            return value
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            return _Unreadable("expected JSON")

    def _read(self, variable: str) -> str | _Unreadable | None:
        value = self.env_vars.get(variable.lower())
        path = self.env_vars.get(f"{variable}_FILE".lower())
        if path is None:
            return value
        if value is not None:
            return _Unreadable(f"set as {variable} and as {variable}_FILE; keep one of them")
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return _Unreadable(f"{variable}_FILE must be the path of a readable UTF-8 file")

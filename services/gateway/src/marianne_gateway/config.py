"""What the gateway is told by its environment."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings
from marianne_gateway.keys import ApiKeys

Seconds = Annotated[float, Field(gt=0)]


class GatewaySettings(ServiceSettings):
    """Variables are `GATEWAY_<FIELD>`.

    An open door is for one's own machine only: bound to anything but loopback, the gateway asks for API keys and for a
    signing key, the latter so that ids stay valid on every replica and after a restart.
    """

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    port: int = 8080
    metrics_port: int = 9464
    drain_s: float = 95.0
    orchestrator_addr: str = "127.0.0.1:50051"
    api_keys_file: Path | None = None
    signing_key: SecretStr | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] = 120
    max_streams: Annotated[int, Field(ge=1)] = 200
    max_streams_per_key: Annotated[int, Field(ge=1)] | None = None
    redis_url: Annotated[SecretStr | None, Field(validation_alias="REDIS_URL")] = None
    redis_timeout_s: Seconds = 0.05
    heartbeat_s: Seconds = 15.0
    # A peer that is away is told to the user within 2 s.
    call_timeout_s: Seconds = 1.8
    first_event_timeout_s: Seconds = 1.5
    # Above the orchestrator's own limit for a turn (90), below the drain (95).
    turn_timeout_s: Seconds = 92.0
    trace_url_template: str | None = None

    @field_validator("api_keys_file")
    @classmethod
    def _keys_unless_local(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        keys = ApiKeys.read(path)
        if not keys and not _is_loopback(info.data.get("bind", "")):
            raise ValueError("required, with a key in it, unless GATEWAY_BIND is a loopback address")
        return path

    @field_validator("signing_key")
    @classmethod
    def _signed_unless_local(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if key is None and not _is_loopback(info.data.get("bind", "")):
            raise ValueError("required unless GATEWAY_BIND is a loopback address")
        if key is not None and len(key.get_secret_value()) < 32:
            raise ValueError("expected at least 32 characters, for example from `openssl rand -hex 32`")
        return key

    @field_validator("trace_url_template")
    @classmethod
    def _names_the_trace(cls, template: str | None) -> str | None:
        if template is not None and not (template.startswith(("https://", "http://")) and "{trace_id}" in template):
            raise ValueError("expected an http(s) address with {trace_id} in it")
        return template


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""What the orchestrator is told by its environment."""

import secrets
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings

Seconds = Annotated[float, Field(gt=0)]


class OrchestratorSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ORCHESTRATOR_")

    port: int = 50051
    metrics_port: int = 9465
    drain_s: Annotated[float, Field(ge=0)] = 100

    retrieval_addr: str = "127.0.0.1:50052"
    guardrails_addr: str = "127.0.0.1:50053"
    search_timeout_s: Seconds = 1.5
    input_check_timeout_s: Seconds = 0.5
    verdict_timeout_s: Seconds = 5

    turn_limit_s: Seconds = 90
    turn_ttl_s: Seconds = 600
    turn_lease_s: Seconds = 5
    resume_grace_s: Seconds = 15
    thread_ttl_s: Seconds = 86_400
    redis_url: SecretStr | None = Field(None, validation_alias="REDIS_URL")
    redis_timeout_s: Seconds = 0.2

    llm_base_url: str | None = Field(None, validation_alias="LLM_BASE_URL")
    llm_api_key: SecretStr | None = Field(None, validation_alias="LLM_API_KEY")
    llm_model: str = Field("default", validation_alias="LLM_MODEL")
    llm_models: str = Field("", validation_alias="LLM_MODELS")
    llm_fallback_base_url: str | None = Field(None, validation_alias="LLM_FALLBACK_BASE_URL")
    llm_fallback_api_key: SecretStr | None = Field(None, validation_alias="LLM_FALLBACK_API_KEY")
    llm_connect_timeout_s: Seconds = 2
    llm_first_token_timeout_s: Seconds = 20
    llm_token_timeout_s: Seconds = 10

    audit_dir: Path = Path("var/audit")
    audit_key: SecretStr | None = None

    @property
    def allowed_models(self) -> tuple[str, ...]:
        """The default model first."""
        named = (name.strip() for name in self.llm_models.split(","))
        return tuple(dict.fromkeys((self.llm_model, *filter(None, named))))

    @property
    def redis_address(self) -> str | None:
        return self.redis_url.get_secret_value() if self.redis_url else None

    @property
    def audit_secret(self) -> bytes:
        """Without a key of the operator's, pseudonyms hold for this process only."""
        return self.audit_key.get_secret_value().encode() if self.audit_key else secrets.token_bytes(32)

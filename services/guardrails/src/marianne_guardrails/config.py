"""What the environment tells this service."""

from typing import Annotated, Literal

import httpx
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings

Seconds = Annotated[float, Field(gt=0)]


class GuardrailsSettings(ServiceSettings):
    """GUARDRAILS_* variables, LLM_* for the judge, and LOG_LEVEL and ENVIRONMENT."""

    model_config = SettingsConfigDict(env_prefix="GUARDRAILS_")

    port: int = 50053
    metrics_port: int = 9467
    drain_s: float = 100.0

    llm_base_url: str | None = Field(default=None, validation_alias="LLM_BASE_URL")
    llm_api_key: SecretStr | None = Field(default=None, validation_alias="LLM_API_KEY")
    llm_model: str = Field(default="default", validation_alias="LLM_MODEL")

    judge_backend: Literal["llm", "lettucedetect"] = "llm"
    judge_model: str = ""
    judge_first_timeout_s: Seconds = 0.8
    judge_timeout_s: Seconds = 2.5
    judge: Literal["auto", "off", "required"] = "auto"

    @property
    def judging(self) -> bool:
        return self.judge != "off" and (self.judge_backend == "lettucedetect" or self.llm_base_url is not None)

    @property
    def judging_model(self) -> str:
        return self.judge_model or self.llm_model

    @field_validator("llm_base_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        url = httpx.URL(value or "http://localhost")
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
            raise ValueError("expected an http or https address such as https://host/v1, without a password")
        return value

    @field_validator("judge")
    @classmethod
    def _check_judge(cls, judge: str, info: ValidationInfo) -> str:
        if judge == "required" and info.data.get("judge_backend") == "llm" and not info.data.get("llm_base_url"):
            raise ValueError("required needs a model: set LLM_BASE_URL")
        return judge

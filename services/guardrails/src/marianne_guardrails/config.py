"""What the environment tells this service."""

from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings


class GuardrailsSettings(ServiceSettings):
    """GUARDRAILS_* variables, and LOG_LEVEL and ENVIRONMENT."""

    model_config = SettingsConfigDict(env_prefix="GUARDRAILS_")

    port: int = 50053
    metrics_port: int = 9467
    drain_s: float = 100.0

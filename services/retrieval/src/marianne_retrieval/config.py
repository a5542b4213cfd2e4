"""What retrieval is told by its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings
from marianne_corpus.store import Location, ServerAddress


class RetrievalSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="RETRIEVAL_")

    port: int = 50052
    metrics_port: int = 9466
    drain_s: float = 5.0
    # The longest that one question may wait for Qdrant, and how often the index is looked at besides.
    store_timeout_s: Annotated[float, Field(gt=0)] = 1.5
    refresh_s: Annotated[float, Field(gt=0)] = 5.0
    index_dir: Annotated[Path, Field(validation_alias="INDEX_DIR")] = Path("var/index")
    qdrant_url: Annotated[str | None, Field(pattern="^https?://", validation_alias="QDRANT_URL")] = None
    qdrant_grpc_port: Annotated[int, Field(ge=1, le=65535, validation_alias="QDRANT_GRPC_PORT")] = 6334
    qdrant_api_key: Annotated[SecretStr | None, Field(validation_alias="QDRANT_API_KEY")] = None

    @property
    def location(self) -> Location:
        """The server when there is one, else the directory."""
        if self.qdrant_url is None:
            return self.index_dir
        key = self.qdrant_api_key.get_secret_value() if self.qdrant_api_key else None
        return ServerAddress(self.qdrant_url, self.qdrant_grpc_port, key)

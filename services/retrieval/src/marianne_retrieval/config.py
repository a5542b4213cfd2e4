"""What retrieval is told by its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings
from marianne_corpus.store import Location, ServerAddress
from marianne_retrieval.breaker import Breaker
from marianne_retrieval.http_models import Endpoint


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
    # The longest that one question may wait for a model.
    embeddings_timeout_s: Annotated[float, Field(gt=0)] = 0.5
    rerank_timeout_s: Annotated[float, Field(gt=0)] = 0.5
    embeddings_base_url: Annotated[str | None, Field(pattern="^https?://", validation_alias="EMBEDDINGS_BASE_URL")] = (
        None
    )
    embeddings_api_key: Annotated[SecretStr | None, Field(validation_alias="EMBEDDINGS_API_KEY")] = None
    embeddings_model: Annotated[str, Field(min_length=1, validation_alias="EMBEDDINGS_MODEL")] = "BAAI/bge-m3"
    embeddings_dim: Annotated[int | None, Field(ge=1, validation_alias="EMBEDDINGS_DIM")] = None
    rerank_base_url: Annotated[str | None, Field(pattern="^https?://", validation_alias="RERANK_BASE_URL")] = None
    rerank_api_key: Annotated[SecretStr | None, Field(validation_alias="RERANK_API_KEY")] = None
    qdrant_api_key: Annotated[SecretStr | None, Field(validation_alias="QDRANT_API_KEY")] = None

    @property
    def location(self) -> Location:
        """The server when there is one, else the directory."""
        if self.qdrant_url is None:
            return self.index_dir
        return ServerAddress(self.qdrant_url, self.qdrant_grpc_port, _revealed(self.qdrant_api_key))

    @property
    def embeddings_endpoint(self) -> Endpoint | None:
        if self.embeddings_base_url is None:
            return None
        key = _revealed(self.embeddings_api_key)
        return Endpoint(self.embeddings_base_url, key, limit_s=self.embeddings_timeout_s, breaker=Breaker())

    @property
    def rerank_endpoint(self) -> Endpoint | None:
        if self.rerank_base_url is None:
            return None
        key = _revealed(self.rerank_api_key)
        return Endpoint(self.rerank_base_url, key, limit_s=self.rerank_timeout_s, breaker=Breaker())


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

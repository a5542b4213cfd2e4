"""What ingest is told by its environment; the hub's client reads `HF_TOKEN`, `HF_HOME` and `HF_ENDPOINT` itself."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from marianne_chassis.settings import ServiceSettings
from marianne_corpus.store import Location, ServerAddress
from marianne_ingest.embeddings import Endpoint


class IngestSettings(ServiceSettings):
    """A job listens nowhere, so what a service is told of ports has no meaning here."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    port: int = 0
    metrics_port: int = 0
    drain_s: float = 0.0
    # The share of a source's chunks that one run may lose, and how long a silent run keeps the right to write.
    max_shrink_ratio: Annotated[float, Field(ge=0, le=1)] = 0.1
    lease_s: Annotated[float, Field(gt=0)] = 60.0
    index_dir: Annotated[Path, Field(validation_alias="INDEX_DIR")] = Path("var/index")
    qdrant_url: Annotated[str | None, Field(pattern="^https?://", validation_alias="QDRANT_URL")] = None
    qdrant_grpc_port: Annotated[int, Field(ge=1, le=65535, validation_alias="QDRANT_GRPC_PORT")] = 6334
    qdrant_api_key: Annotated[SecretStr | None, Field(validation_alias="QDRANT_API_KEY")] = None
    # How a server keeps the index.
    qdrant_on_disk: bool = True
    qdrant_quantized: bool = False
    qdrant_shard_number: Annotated[int | None, Field(ge=1)] = None
    qdrant_replication_factor: Annotated[int | None, Field(ge=1)] = None
    # Makes the vectors that the data do not carry.
    embeddings_base_url: Annotated[str | None, Field(pattern="^https?://", validation_alias="EMBEDDINGS_BASE_URL")] = (
        None
    )
    embeddings_api_key: Annotated[SecretStr | None, Field(validation_alias="EMBEDDINGS_API_KEY")] = None
    embeddings_model: Annotated[str, Field(min_length=1, validation_alias="EMBEDDINGS_MODEL")] = "BAAI/bge-m3"
    embeddings_dim: Annotated[int, Field(ge=1, validation_alias="EMBEDDINGS_DIM")] = 1024

    @property
    def location(self) -> Location:
        """The server when there is one, else the directory."""
        if self.qdrant_url is None:
            return self.index_dir
        key = self.qdrant_api_key.get_secret_value() if self.qdrant_api_key else None
        return ServerAddress(
            self.qdrant_url,
            self.qdrant_grpc_port,
            key,
            on_disk=self.qdrant_on_disk,
            quantized=self.qdrant_quantized,
            shard_number=self.qdrant_shard_number,
            replication_factor=self.qdrant_replication_factor,
        )

    @property
    def endpoint(self) -> Endpoint | None:
        if self.embeddings_base_url is None:
            return None
        key = self.embeddings_api_key.get_secret_value() if self.embeddings_api_key else ""
        return Endpoint(self.embeddings_base_url, self.embeddings_model, self.embeddings_dim, key)

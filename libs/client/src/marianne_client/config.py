"""What the command line takes from the environment."""

import os
from dataclasses import dataclass

_DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Config:
    url: str
    api_key: str | None
    plain: bool  # https://no-color.org


def read_config() -> Config:
    environ = os.environ  # noqa: TID251  this is the place that reads it
    return Config(
        url=environ.get("MARIANNE_URL") or _DEFAULT_URL,
        api_key=environ.get("MARIANNE_API_KEY") or None,
        plain=bool(environ.get("NO_COLOR")),
    )

"""Runs the gateway."""

from functools import partial

from marianne_chassis.lifecycle import run_service
from marianne_chassis.settings import load_settings
from marianne_gateway.config import GatewaySettings
from marianne_gateway.server import serve


def main() -> None:
    settings = load_settings(GatewaySettings)
    run_service("gateway", settings, partial(serve, settings))


if __name__ == "__main__":
    main()

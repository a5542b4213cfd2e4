"""The HTTP application."""

from fastapi import FastAPI
from starlette.types import Scope

from marianne_gateway import chat, documentation, errors, health, openai_routes, page, records
from marianne_gateway.gateway import Gateway
from marianne_gateway.http_middleware import BodyLimit, RequestMetrics

_UNTRACED = frozenset({"/", "/docs", "/favicon.ico", "/livez", "/openapi.json", "/page.json", "/readyz"})


def create_app(gateway: Gateway) -> FastAPI:
    app = FastAPI(
        title="Marianne",
        summary="Des réponses sur l’administration et le droit français, vérifiées phrase par phrase.",
        version="1",
        docs_url=None,
        redoc_url=None,
        telemetry={
            "tracing": True,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
            "exclude": _is_untraced,
        },
    )
    app.state.gateway = gateway
    for router in (chat.router, openai_routes.router, records.router, page.router, health.router):
        app.include_router(router)
    page.mount_assets(app)
    errors.install_handlers(app)
    documentation.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestMetrics)
    return app


def _is_untraced(scope: Scope) -> bool:
    """Probes and the page's own files."""
    path: str = scope["path"]
    return path in _UNTRACED or path.startswith("/web/")

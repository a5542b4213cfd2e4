"""The chat page and the reference of the API: files, and a policy under which nothing else can run in them."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from marianne_gateway.countries import COUNTRIES
from marianne_gateway.gateway import CurrentGateway

_WEB = Path(str(files("marianne_gateway") / "web"))
_HEADERS = {
    # https://www.w3.org/TR/CSP3/ and https://www.w3.org/TR/trusted-types/: own files only, and no text becomes markup.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def chat_page() -> FileResponse:
    return FileResponse(_WEB / "index.html", headers=_HEADERS)


@router.get("/docs")
async def reference() -> FileResponse:
    return FileResponse(_WEB / "docs.html", headers=_HEADERS)


@router.get("/page.json")
async def page_settings(gateway: CurrentGateway) -> dict[str, object]:
    """What the page needs to know of the installation."""
    return {
        "key_required": bool(gateway.keys),
        "trace_url_template": gateway.settings.trace_url_template,
        "countries": sorted(COUNTRIES),
    }


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


def mount_assets(app: FastAPI) -> None:
    app.mount("/web", _Assets(directory=_WEB), name="web")

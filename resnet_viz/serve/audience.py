"""The audience's page, ``GET /watch/<run>``: the live view without a Streamlit session, read-only, for many phones.

What a browser loads beside the page (script, stylesheet, colours) comes from who composes the app, as :class:`Assets`:
this package serves the view and does not know how it is drawn. A page is HTML with a run's name in it, escaped, and
nothing else of a person's; its Content-Security-Policy lets no script run but ours.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from functools import cached_property
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from resnet_viz.labs.stored import lab_of
from resnet_viz.runs.store import RunRow

SCRIPT, STYLESHEET, LOOK, ICON = "watch.js", "watch.css", "look.json", "icon.svg"
"""The files of the page; ``LOOK`` holds the colours and words that the script draws with."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
FOREVER = "public, max-age=31536000, immutable"
"""An asset's address names its content, so what a browser has it need not ask for again."""
GONE = "There is no such run: it was removed, or the address is mistyped."
BINNED = "This run was deleted."
NO_RACE = "This run is a lab’s and no race: its pictures are on a page of their own."
UNREADABLE = "The runs cannot be read just now. Try again in a moment."
STOPPING = "The server is stopping. Try again in a moment."


class Assets:
    """The files of the page by name, compressed once; ``digest`` changes with their content."""

    def __init__(self, files: Mapping[str, str]) -> None:
        missing = {SCRIPT, STYLESHEET, LOOK, ICON} - set(files)
        if missing:
            raise ValueError(f"the audience's page lacks {', '.join(sorted(missing))}")
        self._plain = {name: text.encode() for name, text in files.items()}

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of the content of all files."""
        found = hashlib.sha256()
        for name, body in sorted(self._plain.items()):
            found.update(name.encode() + b"\0" + body + b"\0")
        return found.hexdigest()[:16]

    @cached_property
    def _small(self) -> dict[str, bytes]:
        return {name: gzip.compress(body, mtime=0) for name, body in self._plain.items()}

    def answer(self, request: Request) -> Response:
        """The file that the address names, or 404."""
        name = request.path_params["name"]
        if request.path_params["digest"] != self.digest or name not in self._plain:
            return Response(status_code=404, headers={"Cache-Control": "no-store"})
        headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
        body = self._plain[name]
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = self._small[name], "gzip"
        return Response(body, headers=headers, media_type=mimetypes.guess_type(name)[0])


def watch_page(row: RunRow, assets: Assets) -> HTMLResponse:
    """The page of one run."""
    place = f"assets/{assets.digest}"
    head = f'<script type="module" src="{place}/{SCRIPT}"></script>'
    body = (
        f'<main id="watch" data-run="{escape(row.id)}" data-look="{place}/{LOOK}"></main>\n'
        '<noscript><p class="said">This page draws with JavaScript, which is switched off here.</p></noscript>'
    )
    return _page(200, row.name, head, body, assets)


def problem_page(code: int, sentence: str, assets: Assets) -> HTMLResponse:
    """A page that says in one sentence why there is nothing to watch."""
    return _page(code, "Nothing to watch", "", f'<main><p class="said">{escape(sentence)}</p></main>', assets)


def lab_page(row: RunRow, assets: Assets) -> HTMLResponse:
    """The page of a run that is no race: one sentence, and the way to its lab."""
    try:
        lab, _ = lab_of(row)
    except KeyError:
        return problem_page(404, NO_RACE, assets)
    address = f"../lab?{urlencode({'lab': lab.slug, 'run': row.id})}"
    body = f'<main><p class="said">{NO_RACE} <a href="{escape(address)}">Open the lab</a></p></main>'
    return _page(200, row.name, "", body, assets)


def _page(code: int, title: str, head: str, body: str, assets: Assets) -> HTMLResponse:
    place, name = f"assets/{assets.digest}", escape(title)
    text = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{name} · ResNet Viz</title>
<link rel="icon" href="{place}/{ICON}">
<link rel="stylesheet" href="{place}/{STYLESHEET}">
{head}
</head>
<body>
<header><h1 title="{name}">{name}</h1><p>ResNet Viz</p></header>
{body}
</body>
</html>
"""
    return HTMLResponse(text, status_code=code, headers=HEADERS)

"""The audience's page without a browser: what is answered, and that nothing of a person's runs in it."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from resnet_viz.labs import find, queue
from resnet_viz.runs import Store
from resnet_viz.runs.store import StoreError
from resnet_viz.serve import LiveServer
from resnet_viz.serve.audience import BINNED, GONE, NO_RACE, POLICY, STOPPING, UNREADABLE, Assets
from tests.serve import fake_runs

MADE = fake_runs.experiment(8)
FILES = {"watch.js": "let answer = 42;\n" * 50, "watch.css": "p { margin: 0 }", "look.json": "{}", "icon.svg": "<svg/>"}


class Client:
    """Asks the routes without a server; ``raw`` is the body as it was sent."""

    def __init__(self, live: LiveServer, base: str = "") -> None:
        self.app = Starlette(routes=live.routes(base))
        self.loop = asyncio.new_event_loop()
        self.raw = b""

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.loop.run_until_complete(self._get(path, headers))

    async def _get(self, path: str, headers: dict[str, str] | None) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.send(client.build_request("GET", path, headers=headers), stream=True)
            chunks = [chunk async for chunk in answer.aiter_raw()]
            self.raw = b"".join(chunks)
            body = gzip.decompress(self.raw) if answer.headers.get("content-encoding") == "gzip" else self.raw
            return httpx.Response(answer.status_code, headers=_plain(answer.headers), content=body)


def _plain(headers: httpx.Headers) -> dict[str, str]:
    return {("x-encoding" if k == "content-encoding" else k): v for k, v in headers.items()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def live(store: Store) -> LiveServer:
    return LiveServer(lambda: store, Assets(FILES))


@pytest.fixture
def client(live: LiveServer) -> Iterator[Client]:
    made = Client(live, "/deep/down")
    yield made
    made.loop.close()


@pytest.mark.parametrize("base", ["", "/deep/down"])
def test_the_page_names_the_run_and_loads_only_its_own_files(client: Client, store: Store, base: str) -> None:
    run = fake_runs.begin(store, MADE, name="two nets")
    page = client.get(f"{base}/watch/{run}")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>two nets · ResNet Viz</title>" in page.text and f'data-run="{run}"' in page.text
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in page.text
    for found in re.findall(r'(?:src|href|data-look)="([^"]*)"', page.text):
        assert client.get(f"{base}/watch/{found}").text == FILES[found.rpartition("/")[2]], found


def test_the_policy_lets_no_script_run_but_ours(client: Client, store: Store) -> None:
    run = fake_runs.begin(store, MADE)
    for address in (run, "none-1"):
        page = client.get(f"/watch/{address}")
        assert page.headers["content-security-policy"] == POLICY
        assert page.headers["x-content-type-options"] == "nosniff" and page.headers["cache-control"] == "no-store"
        scripts = re.findall(r"<script[^>]*>([^<]*)</script>", page.text)
        assert scripts == ([""] if page.status_code == 200 else []) and " style=" not in page.text
    assert "unsafe" not in POLICY and POLICY.startswith("default-src 'none';")


def test_a_name_is_only_ever_text(client: Client, store: Store) -> None:
    name = "\"><script>alert('1')</script>&lt;&amp;"
    page = client.get(f"/watch/{fake_runs.begin(store, MADE, name=name)}").text
    assert "<script>" not in page
    title = re.search(r"<h1 title=\"([^\"]*)\">([^<]*)</h1>", page)
    assert title is not None and [unescape(part) for part in title.groups()] == [name, name]


@pytest.mark.parametrize("run", ["none-1", "a.b", "x" * 65, "%3Cscript%3E", "assets"])
def test_an_unknown_run_is_one_sentence(client: Client, run: str) -> None:
    page = client.get(f"/watch/{run}")
    assert page.status_code == 404 and f'<p class="said">{GONE}</p>' in page.text and "data-run" not in page.text


@pytest.mark.parametrize("base", ["", "/deep/down"])
def test_the_run_of_a_lab_is_a_sentence_and_a_link_to_its_own_page(client: Client, store: Store, base: str) -> None:
    run = queue(store, find("degradation"), [0])
    page = client.get(f"{base}/watch/{run}")
    assert page.status_code == 200 and "<script" not in page.text and "data-run" not in page.text
    (link,) = re.findall(r'<p class="said">(.*)</p>', page.text)
    assert link == f'{NO_RACE} <a href="../lab?lab=degradation&amp;run={run}">Open the lab</a>'
    path = httpx.URL(f"http://test{base}/watch/{run}").join(unescape(link.split('"')[1]))
    assert (path.path, dict(path.params)) == (f"{base}/lab", {"lab": "degradation", "run": run})
    odd = store.create(None, name="odd", task={"kind": "soup"})
    page = client.get(f"/watch/{odd}")
    assert page.status_code == 404 and f'<p class="said">{NO_RACE}</p>' in page.text


def test_a_deleted_run_a_broken_store_and_a_server_that_stops_are_said(
    client: Client, live: LiveServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fake_runs.begin(store, MADE)
    store.delete(run)
    page = client.get(f"/watch/{run}")
    assert page.status_code == 410 and BINNED in page.text
    with monkeypatch.context() as broken:
        broken.setattr(Store, "row", _raise)
        page = client.get(f"/watch/{run}")
        assert page.status_code == 503 and UNREADABLE in page.text
    live.close()
    page = client.get(f"/watch/{run}")
    assert page.status_code == 503 and STOPPING in page.text


def _raise(*_: object) -> None:
    raise StoreError("no disk")


def test_files_are_kept_for_ever_and_sent_small_to_who_takes_them_so(client: Client) -> None:
    assets = Assets(FILES)
    address = f"/watch/assets/{assets.digest}/watch.js"
    plain = client.get(address, headers={"accept-encoding": "identity"})
    assert plain.text == FILES["watch.js"] and "x-encoding" not in plain.headers
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    small = client.get(address, headers={"accept-encoding": "gzip"})
    assert small.text == FILES["watch.js"] and small.headers["content-type"].startswith("text/javascript")
    assert small.headers["x-encoding"] == "gzip" and len(client.raw) < len(FILES["watch.js"]) / 4
    assert Assets(FILES | {"look.json": "[]"}).digest != assets.digest
    for other in (f"/watch/assets/{'0' * 16}/watch.js", f"/watch/assets/{assets.digest}/other.js"):
        assert client.get(other).status_code == 404


def test_a_page_without_its_files_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the audience's page lacks icon.svg, look.json$"):
        Assets({"watch.js": "", "watch.css": ""})


def test_without_assets_there_is_no_such_page(store: Store) -> None:
    client = Client(LiveServer(lambda: store))
    assert client.get(f"/watch/{fake_runs.begin(store, MADE)}").status_code == 404
    client.loop.close()

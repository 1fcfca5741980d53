"""The pretrained page through Streamlit's own tester, with a host on this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from resnet_viz.data.download import current
from resnet_viz.data.weights import WEIGHTS
from resnet_viz.nn import build
from resnet_viz.spec import preset
from tests.data.servers import Host, host

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "pretrained.py")


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with host() as state:
        monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
        monkeypatch.setenv("RESNET_VIZ_WEIGHTS_URL", state.url())
        monkeypatch.setitem(WEIGHTS, "resnet18", replace(WEIGHTS["resnet18"], sha256=None))
        yield state


def opened(network: str = "resnet18") -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=60)
    app.session_state["pretrained network"] = network
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert [error.value for error in app.exception] == []
    return app


def told(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption)).replace("\\", "")


def button(app: AppTest, words: str) -> object:
    return next(b for b in app.button if b.label.startswith(words))


def test_without_weights_the_network_at_initialisation_is_seen() -> None:
    app = opened()
    assert "untrained: what the ratios are at initialisation" in told(app)
    assert "In the median block the branch adds" in told(app)
    assert button(app, "Download 46.8 MB from 127.0.0.1")
    assert list(app.dataframe[0].value["block"])[:2] == ["layer1.0", "layer1.1"]


def test_download_then_trained_ratios_and_guesses(server: Host) -> None:
    state = {key: value.contiguous() for key, value in build(preset("resnet18"), seed=5).state_dict().items()}
    server.files["/timm/resnet18.tv_in1k/resolve/main/model.safetensors"] = save(state)
    server.gate.clear()
    app = opened()
    button(app, "Download").click()  # type: ignore[attr-defined]
    checked(app.run())
    going = current(WEIGHTS["resnet18"].path)
    assert going is not None
    server.gate.set()
    assert going.join(30).state == "done"
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)).save(file, "PNG")
    app.file_uploader[0].set_value(("mine.png", file.getvalue(), "image/png"))
    checked(app.run())
    assert "resnet18, trained · L2 norms on your picture" in told(app)
    assert "branch / shortcut, trained" in app.dataframe[1].value.columns
    assert app.dataframe[0].value["probability"].is_monotonic_decreasing


def test_a_failed_download_is_a_sentence_that_names_file_and_place(server: Host) -> None:
    app = opened()
    button(app, "Download").click()  # type: ignore[attr-defined]
    app.run()
    going = current(WEIGHTS["resnet18"].path)
    assert going is not None
    going.join(20)
    (error,) = checked(app.run()).error
    words = error.value.replace("\\", "")
    assert words.startswith("127.0.0.1 answered with status 404: fetch http://127.0.0.1:")
    assert words.endswith(f"put the file at {WEIGHTS['resnet18'].path}.")
    assert "untrained" in told(app)


def test_a_damaged_file_is_a_sentence_and_the_page_stays() -> None:
    path = WEIGHTS["resnet18"].path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x80\x04.")
    app = opened()
    assert "is damaged or no safetensors file" in app.error[0].value.replace("\\", "")
    assert "untrained" in told(app)


def test_a_picture_that_cannot_be_read_is_a_sentence() -> None:
    app = opened()
    app.file_uploader[0].set_value(("bad.png", b"nothing", "image/png"))
    (error,) = checked(app.run()).error
    assert error.value.replace("\\", "").startswith("This is no PNG or JPEG image")
    assert "a generated pattern" in told(app)


def test_a_hosted_app_downloads_nothing_and_offers_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    app = opened()
    assert not app.button
    assert "This server downloads no weights" in told(app)
    assert app.selectbox[0].options == ["resnet18", "resnet34", "resnet50", "resnext50_32x4d"]


def test_a_hosted_app_that_downloads_names_no_place_and_lets_no_visitor_stop_it(
    server: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    monkeypatch.setenv("RESNET_VIZ_PRETRAINED", "1")
    server.files["/timm/resnet18.tv_in1k/resolve/main/model.safetensors"] = bytes(1000)
    server.gate.clear()
    server.breaks_after = 100
    app = opened()
    assert [b.label for b in app.button] == ["Download 46.8 MB"]
    assert str(tmp_path) not in told(app)
    app.button[0].click()
    checked(app.run())
    going = current(WEIGHTS["resnet18"].path)
    assert going is not None
    assert going.progress().state == "running"
    assert not app.button
    assert "127.0.0.1" not in str(app.main)
    server.gate.set()
    going.join(20)
    (error,) = checked(app.run()).error
    assert error.value.replace("\\", "") == "The connection broke after 0.0 MB of 0.0 MB: start again."

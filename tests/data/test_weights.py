"""Pretrained weights, with files made here: loaded exactly, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from resnet_viz.data import weights as module
from resnet_viz.data.weights import WEIGHTS, Weights, WeightsError, load, offered
from resnet_viz.nn import build
from resnet_viz.spec import preset, presets

ROW = Weights("tiny_resnet8", 0.4, 0)
"""The same for a small network: no such file is offered anywhere."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path))
    return tmp_path


def saved(path: Path, **changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    state = {key: value.contiguous() for key, value in build(preset("tiny_resnet8"), seed=4).state_dict().items()}
    for key, value in changes.items():
        state.pop(key, None)
        if value is not None:
            state[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    return state


def test_the_ten_networks_of_torchvision_are_offered() -> None:
    assert [row.preset for row in offered()] == [name for name in WEIGHTS if name in presets()]
    assert len(WEIGHTS) == 10
    for row in WEIGHTS.values():
        assert row.source.url == f"https://huggingface.co/timm/{row.preset}.tv_in1k/resolve/main/model.safetensors"
        assert row.sha256 is None or len(bytes.fromhex(row.sha256)) == 32


def test_accuracies_and_sizes_of_images_are_torchvisions(tv: object) -> None:
    for row in WEIGHTS.values():
        first = tv.get_model_weights(row.preset)["IMAGENET1K_V1"]  # type: ignore[attr-defined]
        assert row.accuracy == first.meta["_metrics"]["ImageNet-1K"]["acc@1"]
        floats = 4 * first.meta["num_params"]
        assert floats < row.source.most < 1.2 * floats
        assert row.resize == first.transforms().resize_size[0]


def test_a_hosted_app_offers_the_small_ones_and_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    assert [row.preset for row in offered()] == ["resnet18", "resnet34", "resnet50", "resnext50_32x4d"]
    assert not module.settings().downloads
    monkeypatch.setenv("RESNET_VIZ_PRETRAINED", "1")
    assert module.settings().downloads


def test_weights_load_exactly_and_for_evaluation() -> None:
    state = saved(ROW.path)
    model = load(ROW)
    assert not model.training
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_a_file_without_counters_of_steps_loads_too() -> None:
    saved(ROW.path, **{"bn1.num_batches_tracked": None})
    assert load(ROW).state_dict()["bn1.num_batches_tracked"].item() == 0


def again(words: str) -> str:
    return f"{words}: delete {ROW.path} and download it again."


@pytest.mark.parametrize(
    ("changes", "odd"),
    [
        ({"fc.weight": torch.zeros(10, 5)}, "fc.weight"),
        ({"conv1.weight": None}, "conv1.weight"),
        ({"extra": torch.zeros(1)}, "extra"),
    ],
)
def test_another_networks_file_is_refused(changes: dict[str, torch.Tensor | None], odd: str) -> None:
    saved(ROW.path, **changes)
    with pytest.raises(WeightsError) as caught:
        load(ROW)
    words = f"tiny_resnet8.tv_in1k.safetensors holds another network than tiny_resnet8, {odd!r} does not fit"
    assert str(caught.value) == again(words)


@pytest.mark.parametrize("data", [b"", b"\x80\x04.", b"\xff" * 100])
def test_what_is_no_safetensors_file_is_refused(data: bytes) -> None:
    ROW.path.parent.mkdir(parents=True)
    ROW.path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        load(ROW)
    assert str(caught.value) == again("tiny_resnet8.tv_in1k.safetensors is damaged or no safetensors file")


def test_a_file_put_there_by_hand_is_checked_too() -> None:
    row = WEIGHTS["resnet18"]
    row.path.parent.mkdir(parents=True)
    row.path.write_bytes(b"anything")
    with pytest.raises(WeightsError) as caught:
        load(row)
    assert str(caught.value) == (
        "resnet18.tv_in1k.safetensors is not the expected file, its SHA-256 differs: delete "
        f"{row.path} and download it again."
    )


def test_missing_weights_name_the_file_and_its_place() -> None:
    with pytest.raises(WeightsError) as caught:
        load(ROW)
    assert str(caught.value) == (
        f"The weights of tiny_resnet8 are not here yet: download them, or fetch {ROW.source.url} in another way and "
        f"put the file at {ROW.path}."
    )


def test_visitors_of_a_hosted_app_are_told_no_path_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESNET_VIZ_HOSTED", "1")
    row = WEIGHTS["resnet18"]
    with pytest.raises(WeightsError) as caught:
        load(row)
    assert str(caught.value) == "The weights of resnet18 are not on this server."
    row.path.parent.mkdir(parents=True)
    row.path.write_bytes(b"anything")
    with pytest.raises(WeightsError) as caught:
        load(row)
    assert str(caught.value) == (
        "resnet18.tv_in1k.safetensors is not the expected file, its SHA-256 differs: "
        "whoever runs this server can replace it."
    )

"""Images of a person's own: every layout gives the same tensors, hostile files a sentence, others are refused."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import resnet_viz as rv
from resnet_viz.data import load, own_images
from resnet_viz.data.npz import KERAS, KEYS, read
from resnet_viz.spec import Experiment, OwnImages, Recipe, SpecError, decode, encode, fit_to_dataset, preset, presets

NO_NPZ = "This is no .npz file that can be read: numpy.savez makes one."


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESNET_VIZ_HOME", str(tmp_path / "home"))
    own_images.load.cache_clear()
    return tmp_path / "home"


def arrays(channels: int = 3, train: int = 40, test: int = 12, side: int = 8, seed: int = 0) -> dict[str, np.ndarray]:
    """Canonical arrays in three classes, each channel with a spread of its own."""
    draw = np.random.default_rng(seed)
    high = np.array([256, 128, 20, 4])[:channels, None, None]
    x = (draw.random((train + test, channels, side, side)) * high).astype(np.uint8)
    y = np.arange(train + test) % 3
    return {"train_x": x[:train], "train_y": y[:train], "test_x": x[train:], "test_y": y[train:]}


def packed(found: dict[str, np.ndarray], *, squeezed: bool = False) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if squeezed else np.savez)(file, **found)
    return file.getvalue()


def test_all_layouts_and_names_are_the_same_images() -> None:
    grey, colour = arrays(1), arrays()
    last = {key: x.transpose(0, 2, 3, 1) if key.endswith("x") else x[:, None] for key, x in colour.items()}
    keras = {KERAS[key]: value.astype(np.uint8) for key, value in last.items()}
    flat = {key: x[:, 0] if key.endswith("x") else x.astype(np.int16) for key, x in grey.items()}
    fortran = {key: np.asfortranarray(value) for key, value in colour.items()}
    for mine, others in ((colour, (last, keras, fortran)), (grey, (flat,))):
        wanted = own_images.digest(read(packed(mine)))
        assert {own_images.digest(read(packed(other, squeezed=True))) for other in others} == {wanted}
    assert own_images.digest(read(packed(arrays(seed=1)))) != own_images.digest(read(packed(colour)))


def test_what_is_added_is_found_listed_loaded_and_removed(tmp_path: Path, home: Path) -> None:
    found = arrays()
    (tmp_path / "a.npz").write_bytes(packed(found))
    own = own_images.add(tmp_path / "a.npz", "mine")
    assert (own.channels, own.height, own.width, own.classes, own.train, own.test) == (3, 8, 8, 3, 40, 12)
    assert own_images.known() == (own,) and rv.own_images("mine") == own
    data = load(own)
    x = torch.from_numpy(found["train_x"]).double()
    mean, deviation = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(data.train_x, ((x - mean) / deviation).float(), rtol=0, atol=1e-6)
    test = (torch.from_numpy(found["test_x"]).double() - mean) / deviation
    torch.testing.assert_close(data.test_x, test.float(), rtol=0, atol=1e-6)
    assert data.train_y.tolist() == found["train_y"].tolist() and data.classes == ("0", "1", "2")
    own_images.remove("mine")
    assert own_images.known() == () and list((home / "images").iterdir()) == []
    with pytest.raises(SpecError) as refused:
        load(own.model_copy(update={"sha256": "0" * 64}))
    assert str(refused.value) == (
        "This machine has no images called 'mine': `python -m resnet_viz data add FILE.npz --name mine` adds them."
    )


def test_a_channel_of_one_value_becomes_zero() -> None:
    found = arrays()
    found["train_x"][:, 1] = 7
    assert load(own_images.add(packed(found), "flat")).train_x[:, 1].abs().max() == 0


def test_other_images_of_the_name_are_refused_and_damage_is_found(home: Path) -> None:
    own = own_images.add(packed(arrays()), "mine")
    path = home / "images" / "mine.npz"
    with np.load(path) as kept:
        changed = dict(kept)
    changed["train_x"][0, 0, 0, 0] ^= 1
    np.savez(path, **changed)
    with pytest.raises(SpecError, match=r"^The images 'mine' of this machine are damaged: add them again\.$"):
        load(own)
    other = own_images.add(packed(arrays(seed=1)), "mine")
    with pytest.raises(SpecError) as refused:
        own_images.check(own)
    assert str(refused.value) == (
        f"The images 'mine' of this machine are not those of the experiment (SHA-256 {other.sha256[:12]}..., "
        f"not {own.sha256[:12]}...): add those, or choose the data set anew."
    )


def bad(**changes: np.ndarray | None) -> bytes:
    return packed({key: value for key, value in (arrays() | changes).items() if value is not None})


def promising() -> bytes:
    """A member whose header promises more than is there."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000, 8, 8), }"
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    file = io.BytesIO(bad())
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["train_x.npy"] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name, part in parts.items():
            new.writestr(name, part)
    return file.getvalue()


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("owned"),)


X, Y = arrays()["train_x"], arrays()["train_y"]
REFUSED = {
    "nothing": (b"", NO_NPZ),
    "no zip": (b"PK" + bytes(50), NO_NPZ),
    "cut": (bad()[:3000], NO_NPZ),
    "promises": (promising(), NO_NPZ),
    "pickle": (pickle.dumps(Bomb()), NO_NPZ),
    "objects": (
        bad(train_y=np.array([Bomb()] * 40, dtype=object)),
        "train_y is object: labels are needed as whole numbers from 0.",
    ),
    "missing": (
        bad(test_y=None),
        "The file has no test_y (or y_test): it needs train_x, train_y, test_x, test_y.",
    ),
    "floats": (bad(train_x=X / 255), "train_x is float64: images are needed as uint8, 0 to 255."),
    "float labels": (bad(train_y=Y * 1.0), "train_y is float64: labels are needed as whole numbers from 0."),
    "shape": (
        bad(train_x=X[:, :2]),
        "train_x has the shape 40 x 2 x 8 x 8: images are needed as N x H x W, N x H x W x C or N x C x H x W with 1 "
        "or 3 channels.",
    ),
    "empty": (bad(train_x=X[:0]), "train_x has the shape 0 x 3 x 8 x 8: images have sides of 1 to 512 pixels."),
    "sizes": (
        bad(test_x=np.zeros((12, 3, 9, 9), np.uint8)),
        "train_x has images of 3 x 8 x 8 and test_x of 3 x 9 x 9: both need the same size.",
    ),
    "count": (bad(train_y=Y[:9]), "train_y has the shape 9: one label for each of the 40 images."),
    "negative": (bad(train_y=Y - 1), "train_y has the label -1: labels count from 0."),
    "one class": (bad(train_y=Y * 0), "train_y has labels up to 0: 2 to 1000 classes, counted from 0, are taken."),
    "unseen": (bad(test_y=np.full(12, 5)), "test_y has the label 5, which train_y does not reach."),
}


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(data: bytes, said: str, home: Path) -> None:
    with pytest.raises(SpecError) as refused:
        own_images.add(data, "mine")
    assert str(refused.value) == said
    assert not home.exists() and not Path("owned").exists()


@given(at=st.integers(0, 9000), value=st.integers(0, 255))
@settings(max_examples=30, deadline=None)
def test_a_damaged_file_is_refused_or_read(at: int, value: int) -> None:
    data = bytearray(bad())
    data[at % len(data)] = value
    with contextlib.suppress(SpecError):
        assert set(read(bytes(data))) == set(KEYS)


def test_an_upload_never_takes_the_place_of_other_images(home: Path) -> None:
    first, again = own_images.add_beside(packed(arrays()), "mine"), own_images.add_beside(packed(arrays()), "mine")
    other = own_images.add_beside(packed(arrays(seed=1)), "mine")
    assert first == again and {own.name for own in own_images.known()} == {"mine", other.name}
    assert other.name == f"mine-{other.sha256[:6]}"


@pytest.mark.parametrize("name", ["", "Cifar", "../up", "a/b", "-a", "a" * 41, "own:a"])
def test_names_are_small_letters_and_digits(name: str) -> None:
    with pytest.raises(SpecError) as refused:
        own_images.add(packed(arrays()), name)
    assert str(refused.value) == (
        f"{name[:50]!r} cannot be a name: use 1 to 40 of a to z, 0 to 9, '-' and '_', a letter or digit first."
    )


def test_an_experiment_carries_shape_and_checksum_through_file_and_link() -> None:
    own = own_images.add(packed(arrays()), "mine")
    network, changes = fit_to_dataset(preset("tiny_resnet8"), own)
    assert changes == ("input 1 x 8 x 8 becomes 3 x 8 x 8", "10 classes become 3")
    race = Experiment(contestants={"a": network}, dataset=own, recipe=Recipe(batch=16, augment="crop_flip"))
    assert race.steps_per_epoch == 3 and race.data.name == "own:mine"
    assert Experiment.model_validate_json(race.model_dump_json()) == race == decode(encode(race))
    with pytest.raises(ValueError, match=r"'own:mine' needs its shapes: `rv\.own_images\('mine'\)` gives them"):
        Experiment(contestants={"a": network}, dataset="own:mine")
    with pytest.raises(
        ValueError, match="6,001 images of 4 x 512 x 512 have 6,293 million values: at most 268 million"
    ):
        OwnImages(name="a", channels=4, height=512, width=512, classes=2, train=6000, test=1, sha256="0" * 64)


def test_every_preset_that_takes_small_images_fits_cifars_shape() -> None:
    cifar = OwnImages(name="c", channels=3, height=32, width=32, classes=10, train=50_000, test=10_000, sha256="0" * 64)
    for name in presets():
        network, _ = fit_to_dataset(preset(name), cifar)
        assert Experiment(contestants={"a": network}, dataset=cifar).steps_per_epoch == 391
        if name.startswith("cifar_"):
            assert network == preset(name)


def test_a_run_says_whose_images_and_goes_on_only_with_those(tmp_path: Path) -> None:
    own = own_images.add(packed(arrays()), "mine")
    race = Experiment(
        contestants={"a": fit_to_dataset(preset("tiny_resnet8"), own)[0]}, dataset=own,
        recipe=Recipe(epochs=1, batch=16, device="cpu"),
    )  # fmt: skip
    run = rv.train(race, store=tmp_path / "store")
    header = run.store.row(run.id).header
    assert run.state == "finished"
    assert (header["dataset"], header["classes"], header["images_sha256"]) == ("own:mine", 3, own.sha256)
    run.store.set_state(run.id, "stopped", "by the test")
    own_images.add(packed(arrays(seed=1)), "mine")
    for again in (lambda: rv.train(race, store=tmp_path / "store"), lambda: rv.resume(run)):
        with pytest.raises(SpecError, match=r"^The images 'mine' of this machine are not those of the experiment"):
            again()

"""Pictures on the pretrained page: decoded once and one at a time, whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from resnet_viz.data.images import ImageError, pattern
from resnet_viz.ui import pretrained_session as module
from resnet_viz.ui.pretrained_session import LAST_PICTURES, picture


class Decoder:
    """Stands in for ``read_image``: counts its calls and how many run at once."""

    def __init__(self) -> None:
        self.calls = self.inside = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, data: bytes) -> torch.Tensor:
        with self.lock:
            self.calls += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.02)
        with self.lock:
            self.inside -= 1
        if data == b"bad":
            raise ImageError("It cannot be read.")
        return pattern(40)


@pytest.fixture
def decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    made = Decoder()
    monkeypatch.setattr(module, "read_image", made)
    module._pictures.clear()
    yield made
    module._pictures.clear()


def test_a_picture_is_decoded_once_for_all_reruns_and_sizes_are_kept_apart(decoder: Decoder) -> None:
    first = picture(b"one", 256)
    assert picture(b"one", 256) is first
    assert decoder.calls == 1
    assert picture(b"one", 232) != first
    assert decoder.calls == 2


def test_one_is_decoded_at_a_time_and_the_last_few_are_kept(decoder: Decoder) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: picture(b"%d" % i, 256), range(LAST_PICTURES + 3)))
    assert decoder.most == 1
    assert len(module._pictures) == LAST_PICTURES


def test_what_cannot_be_read_is_not_tried_again(decoder: Decoder) -> None:
    for _ in range(3):
        with pytest.raises(ImageError, match=r"^It cannot be read\.$"):
            picture(b"bad", 256)
    assert decoder.calls == 1

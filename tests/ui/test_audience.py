from __future__ import annotations

import io

import pytest
from PIL import Image

from resnet_viz.ui import audience
from resnet_viz.ui.audience import ANYWHERE, HERE_ONLY, SAME_NETWORK, audience_address, qr_code

RUN = "261126-101500-0a1b2c"


@pytest.mark.parametrize(("page", "listens", "address", "said"), [
    ("https://viz.example/race", "", f"https://viz.example/watch/{RUN}", ANYWHERE),
    ("https://viz.example/deep/down/race?run=1", "127.0.0.1", f"https://viz.example/deep/down/watch/{RUN}", ANYWHERE),
    ("http://10.1.2.3:8501/race", "0.0.0.0", f"http://10.1.2.3:8501/watch/{RUN}", ANYWHERE),
    ("http://localhost:8501/race", "", f"http://192.168.1.7:8501/watch/{RUN}", SAME_NETWORK),
    ("http://127.0.0.1/race", "0.0.0.0", f"http://192.168.1.7/watch/{RUN}", SAME_NETWORK),
    ("http://[::1]:8501/race", "", f"http://192.168.1.7:8501/watch/{RUN}", SAME_NETWORK),
    ("http://localhost:8501/race", "127.0.0.1", f"http://localhost:8501/watch/{RUN}", HERE_ONLY),
    ("http://localhost:8501/race", "localhost", f"http://localhost:8501/watch/{RUN}", HERE_ONLY),
])  # fmt: skip
def test_the_address_is_one_that_a_phone_can_reach(page: str, listens: str, address: str, said: str) -> None:
    assert audience_address(page, RUN, listens, network="192.168.1.7") == (address, said)


def test_a_machine_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "network_address", lambda: None)
    assert audience_address("http://localhost:8501/race", RUN, "") == (f"http://localhost:8501/watch/{RUN}", HERE_ONLY)


def test_the_code_is_dark_on_white_with_its_quiet_zone() -> None:
    picture = Image.open(io.BytesIO(qr_code(f"http://192.168.1.7:8501/watch/{RUN}"))).convert("L")
    width, height = picture.size
    modules = width // 8
    assert width == height == 8 * modules and (modules - 8 - 17) % 4 == 0  # version v has 17 + 4 v modules a side
    zone = [picture.getpixel((4 + 8 * i, y)) for i in range(modules) for y in (4, 28, height - 4, height - 28)]
    assert set(zone) == {255}
    finder = [picture.getpixel((4 + 8 * (4 + i), 4 + 8 * 7)) for i in range(8)]  # ISO 18004: 1 : 1 : 3 : 1 : 1
    assert finder == [0, 255, 0, 0, 0, 255, 0, 255]

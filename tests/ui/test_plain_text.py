"""A person's words in Markdown stay words."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from resnet_viz.ui.plain_text import plain, plain_rows


def test_signs_are_escaped() -> None:
    assert plain("a*b_[x](y) <b> :red[z] $1$ `c`\n# d") == (r"a\*b\_\[x\]\(y\) \<b\> \:red\[z\] \$1\$ \`c\` \# d")


@given(st.text())
def test_no_sign_of_markup_stands_alone(text: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`\[\]<>:$#&~|]", plain(text))
    assert "\n" not in plain(text)


def test_rows() -> None:
    assert plain_rows([{"*a*": "<b>"}]) == [{r"\*a\*": r"\<b\>"}]


def test_a_number_stays_with_its_unit() -> None:
    assert plain(" 0.2\u00a0%\n of\u2028it ") == "0\\.2\u00a0% of it"

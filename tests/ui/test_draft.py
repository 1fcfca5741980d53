"""The draft: history, refusals, attempts, and what the address bar and files bring in."""

from __future__ import annotations

import json

import pytest

from resnet_viz.spec import Experiment, Network, SpecError, encode, plain_twin, preset
from resnet_viz.spec.files import MAX_FILE
from resnet_viz.ui.draft import DEFAULT, MAX_HISTORY, Draft, changed, full_stop, read_file, renamed


def new(name: str = "tiny_resnet20") -> Draft:
    return Draft([preset(name)])


def width(draft: Draft, value: int, stage: int = 3) -> bool:
    return draft.edit("block.width", lambda n: changed(n, {("stages", stage - 1, "block", "width"): value}))


def size(draft: Draft, side: int) -> bool:
    return draft.edit("input.height", lambda n: changed(n, {("input", "height"): side, ("input", "width"): side}))


def test_edit_undo_redo() -> None:
    draft = new()
    assert not draft.can_undo and width(draft, 40) and width(draft, 48)
    draft.undo()
    assert draft.network.stages[2].block.width == 40 and draft.can_redo
    draft.undo()
    assert draft.network == preset("tiny_resnet20") and not draft.can_undo
    draft.redo()
    draft.redo()
    assert draft.network.stages[2].block.width == 48 and not draft.can_redo
    draft.undo()
    assert width(draft, 56) and not draft.can_redo and len(draft.history) == 3


def test_undo_and_redo_at_the_ends_do_nothing() -> None:
    draft = new()
    draft.undo()
    draft.redo()
    assert (draft.network, draft.position) == (preset("tiny_resnet20"), 0)


def test_an_edit_that_changes_nothing_is_no_step() -> None:
    draft = new()
    assert width(draft, 32) and len(draft.history) == 1


def test_history_is_bounded() -> None:
    draft = new()
    for i in range(MAX_HISTORY + 20):
        width(draft, 33 + i)
    assert len(draft.history) == MAX_HISTORY and draft.network.stages[2].block.width == MAX_HISTORY + 52


def test_a_refused_edit_leaves_the_draft_and_says_why() -> None:
    draft = new()
    width(draft, 40)
    before = draft.network
    assert not width(draft, 0, stage=3)
    assert draft.network is before and draft.attempt is None
    assert draft.refusal("block.width") == "Stage 3's width is 0: it must be at least 1."
    assert draft.refusal("block.cardinality") == ""
    assert width(draft, 48) and draft.refusal("block.width") == ""


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("stages", 1, "blocks"), 100_000, "Stage 2's blocks is 100000: it must be at most 1000."),
        (("stages", 1, "block", "cardinality"), 3,
         "cardinality 3 does not divide the width 16: the nearest that does is 2."),
        (("input", "channels"), 0, "input.channels is 0: it must be at least 1."),
        (("head", "classes"), None, "head.classes is None: input should be a valid integer."),
        (("name",), "", "name is '': string should have at least 1 character."),
    ],
)  # fmt: skip
def test_refusals_are_one_sentence(path: tuple[str | int, ...], value: object, told: str) -> None:
    draft = new()
    assert not draft.edit("field", lambda n: changed(n, {path: value}))
    assert draft.refusal("field") == told and draft.network == preset("tiny_resnet20")


def test_what_was_refused_is_taken_as_soon_as_another_edit_makes_it_possible() -> None:
    """The sentence says "use order original": whoever does so has what they asked for, in one step."""
    draft = new()
    first = ("stages", 0, "block")

    def edit(name: str, value: object) -> bool:
        return draft.edit(f"block.{name}", lambda network: changed(network, {(*first, name): value}))

    assert edit("order", "bn_after_addition")
    assert not edit("norm", "none")
    assert not edit("cardinality", 7)
    assert edit("order", "original")
    assert draft.network.stages[0].block.norm == "none" and draft.refusal("block.norm") == ""
    assert (
        draft.refusal("block.cardinality") == "cardinality 7 does not divide the width 8: the nearest that does is 8."
    )
    draft.undo()
    assert (draft.network.stages[0].block.order, draft.network.stages[0].block.norm) == ("bn_after_addition", "batch")
    assert not draft.refused
    assert edit("order", "original") and draft.network == preset("tiny_resnet20")


def test_what_cannot_be_built_is_an_attempt_on_which_edits_build() -> None:
    draft = new()
    assert not size(draft, 2)
    assert draft.network == preset("tiny_resnet20") and draft.shown.input.height == 2
    assert draft.refusal("input.height") == (
        "Stage 3, block 1 has stride 2, but only 1 x 1 pixels reach it: "
        "use a larger input, or a smaller stride before it."
    )
    assert draft.edit("block.stride", lambda n: changed(n, {("stages", 2, "stride"): 1}))
    assert draft.attempt is None and draft.network.input.height == 2 and draft.refusal("input.height") == ""
    draft.undo()
    assert draft.network == preset("tiny_resnet20")


def test_undo_takes_an_attempt_back_first() -> None:
    draft = new()
    width(draft, 40)
    size(draft, 1)
    assert draft.can_undo
    draft.undo()
    assert draft.attempt is None and draft.network.stages[2].block.width == 40


def test_loading_forgets_refusals_and_can_be_undone() -> None:
    draft = new()
    width(draft, 0)
    size(draft, 1)
    draft.load(preset("resnet50"))
    assert (draft.network, draft.attempt, draft.refusals) == (preset("resnet50"), None, {})
    draft.undo()
    assert draft.network == preset("tiny_resnet20")


def test_an_edited_preset_is_called_so_and_knows_where_it_started() -> None:
    draft = new()
    width(draft, 40)
    assert (draft.network.name, draft.base) == ("tiny_resnet20 edited", "tiny_resnet20")
    width(draft, 32)
    assert draft.network == preset("tiny_resnet20")
    draft.edit("name", lambda n: changed(n, {("name",): "mine"}))
    assert (draft.network.name, draft.base) == ("mine", "")


def test_a_network_of_ones_own_keeps_its_name() -> None:
    own = preset("resnet18").model_copy(update={"name": "mine"})
    assert renamed(own) == own


def test_the_address_brings_a_network_and_back_moves_in_the_history() -> None:
    draft = new()
    width(draft, 40)
    text = encode(draft.network)
    width(draft, 48)
    draft.read(text)
    assert (draft.position, draft.network.stages[2].block.width, draft.can_redo) == (1, 40, True)
    draft.read("p1.resnet18")
    assert draft.network == preset("resnet18") and len(draft.history) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rubbish", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
        ("p1.resnet9000", "This link names a preset that this version does not have."),
        ("n1.AAAA", "This share link is damaged: ask for it once more."),
        ("x1.", "This is not a share link of ResNet Viz: it was cut or changed. Ask for it once more."),
    ],
)
def test_a_broken_address_is_said_and_nothing_is_lost(text: str, told: str) -> None:
    draft = new()
    width(draft, 40)
    before = draft.network
    draft.read(text)
    assert draft.network is before and draft.notice == told
    assert width(draft, 48) and draft.notice == ""


def test_a_race_in_the_address_is_sent_to_its_page() -> None:
    draft, nets = new(), {"plain": plain_twin(preset("tiny_resnet8")), "residual": preset("tiny_resnet8")}
    draft.read(encode(Experiment(contestants=nets)))
    assert draft.notice == "This link holds a race, not a network: open it on the Race page."


def test_a_shared_network_that_cannot_be_built_is_an_attempt() -> None:
    draft = new()
    size(draft, 1)
    text, other = encode(draft.shown), new(DEFAULT)
    other.read(text)
    assert other.network == preset(DEFAULT) and other.attempt == draft.attempt
    assert other.refusal("start").startswith("Stage 2, block 1 has stride 2, but only 1 x 1 pixels reach it")


def test_files_round_trip() -> None:
    network = changed(preset("resnext50_32x4d"), {("name",): "mine", ("stages", 0, "blocks"): 7})
    assert read_file(network.model_dump_json(indent=2).encode()) == network


def _broken(**update: object) -> bytes:
    return json.dumps({**json.loads(Network().model_dump_json()), **update}).encode()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "This file is not JSON: open one that was saved here."),
        (b"{", "This file is not JSON: open one that was saved here."),
        (b"\xff\xfe\x00", "This file is not JSON: open one that was saved here."),
        (b"x" * (MAX_FILE + 1), "This file has 1,000,001 bytes, and a spec file has at most 1,000,000."),
        (
            Experiment(contestants={"a": preset("tiny_plain8")}).model_dump_json().encode(),
            "This file holds a race, not a network: open it on the Race page.",
        ),
        (
            _broken(stages=[{"block": {"width": 0}}]),
            "This file holds no network that can be: Stage 1's width is 0: it must be at least 1.",
        ),
        (_broken(version=9), "This file holds no network that can be: version is 9: input should be 1."),
        (_broken(stages=[]), "This file holds no network that can be: stages has 0 entries: it must have at least 1."),
        (_broken(extra=1), "This file holds no network that can be: extra is not a field that this version knows."),
    ],
)  # fmt: skip
def test_broken_files_are_refused_in_one_sentence(data: bytes, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_file(data)
    assert str(caught.value) == told


def test_a_sentence_ends() -> None:
    assert [full_stop(text) for text in ("a", "a.", "a?")] == ["a.", "a.", "a?"]

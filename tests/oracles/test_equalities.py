"""Blocks that must equal others: gates forced open, strengths of zero and one, branches that start at zero."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from resnet_viz.nn import Unit, build, open_gates
from resnet_viz.nn.initialisers import initialise
from resnet_viz.spec import Block, Init, Input, Network, Stage, Stem, plain_twin, preset
from resnet_viz.spec.block import Attention, Branch, Form, Norm, Order, Shortcut
from resnet_viz.spec.network import Scheme
from resnet_viz.spec.plans import weight_shapes, zeroed


def network(init: Init | None = None, **fields: Any) -> Network:
    block = Block.model_validate({"width": 8, **fields})
    stages = (Stage(blocks=2, block=block), Stage(blocks=2, stride=2, block=block.model_copy(update={"width": 16})))
    return Network(
        input=Input(height=8, width=6), stem=Stem(width=8, activated=not block.preactivated), stages=stages,
        init=init or Init(),
    )  # fmt: skip


def unit(channels: int = 8, stride: int = 1, init: Init | None = None, **fields: Any) -> Unit:
    """One block with weights, in float64, norms and biases away from their start where it does not start at zero."""
    made = Unit(Block.model_validate({"width": 8, **fields}), channels, stride)
    initialise(made, init or Init(), 3, torch.device("cpu"))
    return made.double() if init else shaken(made.double())


def shaken(model: Any) -> Any:
    source = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.dim() == 1:
                value.add_(0.2 * torch.rand(value.shape, generator=source, dtype=value.dtype))
    return model


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)


@pytest.mark.parametrize("merge", ["highway", "shortcut_gate"])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("order", get_args(Order))
def test_highway_with_open_gates_is_a_residual_network(merge: str, training: bool, order: str) -> None:
    """Srivastava 2015, eq. 3, with T and 1 - T forced to one is He 2016a, eq. 1."""
    gated, residual = network(merge=merge, order=order), network(order=order)
    model = shaken(build(gated, seed=1).double()).train(training)
    weights = {key: value.clone() for key, value in model.state_dict().items() if ".gate." not in key}
    other = build(residual).double().train(training)
    other.load_state_dict(weights, strict=True)
    x = images(3, 3, 8, 6)
    expected = other(x)
    closed = model(x)
    model.load_state_dict(weights, strict=False)
    open_gates(model)
    assert torch.equal(model(x), expected)
    assert (closed - expected).abs().max() > 1e-3
    model.load_state_dict(weights, strict=False)
    open_gates(model, opened=False)
    torch.testing.assert_close(model(x), closed)


def test_a_gate_is_identity_when_shut_and_the_plain_branch_when_open() -> None:
    """Srivastava 2015, eq. 4: y = x for T = 0, y = H(x) for T = 1."""
    fields = {"merge": "highway", "order": "relu_before_addition"}
    made = unit(**fields).eval()
    plain = unit(merge="none", order="relu_before_addition").eval()
    plain.load_state_dict({k: v for k, v in made.state_dict().items() if "gate" not in k}, strict=True)
    x = images(2, 8, 5, 5)
    torch.nn.init.zeros_(made.gate.conv.weight)
    torch.nn.init.constant_(made.gate.conv.bias, -800.0)
    assert torch.equal(made(x), x)
    torch.nn.init.constant_(made.gate.conv.bias, 800.0)
    assert torch.equal(made(x), plain(x))


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("merge", ["highway", "shortcut_gate"])
def test_gates_start_at_their_bias(merge: str, kernel: int) -> None:
    """He 2016b, Table 1: biases from 0 to -10 decide how much of the shortcut passes at the start."""
    made = unit(merge=merge, gate_bias=-6.0, gate_kernel=kernel, init=Init())
    assert made.gate.conv.kernel_size == (kernel, kernel)
    assert made.gate.conv.bias is not None
    assert (made.gate.conv.bias == -6).all()
    x = torch.zeros(1, 8, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(made.gate(x), torch.full_like(x, 1 / (1 + 2.718281828459045**6)))


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("shortcut", get_args(Shortcut))
def test_alpha_zero_is_the_plain_network(order: str, shortcut: str) -> None:
    residual = network(order=order, shortcut=shortcut, alpha=0.0)
    plain = plain_twin(residual)
    x = images(3, 3, 8, 6)
    model, other = build(residual, seed=1).double(), build(plain, seed=1).double()
    assert torch.equal(model(x), other(x))
    model(x).square().sum().backward()
    other(x).square().sum().backward()
    for name, parameter in other.named_parameters():
        torch.testing.assert_close(dict(model.named_parameters())[name].grad, parameter.grad, rtol=1e-9, atol=1e-12)


def test_strengths_weigh_shortcut_and_branch() -> None:
    """He 2016b, eq. 1 with constant scaling: y = beta F(x) + alpha x."""
    base = unit(order="preactivation").eval()
    x = images(2, 8, 5, 5)
    branch = base(x) - x
    for alpha, beta in ((0.5, 0.5), (0.5, 1.0), (-1.0, 2.0), (1.0, 0.0)):
        made = unit(order="preactivation", alpha=alpha, beta=beta).eval()
        torch.testing.assert_close(made(x), beta * branch + alpha * x)


@pytest.mark.parametrize("branch", get_args(Branch))
@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("norm", get_args(Norm))
@pytest.mark.parametrize("attention", get_args(Attention))
def test_zero_last_leaves_the_shortcut_and_can_learn(branch: str, order: str, norm: str, attention: str) -> None:
    """Goyal 2017, Sect. 5.1: the branch gives zero at the start, but its last layer has a gradient."""
    if norm == "none" and order == "bn_after_addition":
        with pytest.raises(ValidationError):
            Block(norm="none", order="bn_after_addition")
        return
    activation = "tanh" if order == "relu_before_addition" else "relu"
    forms = get_args(Form) if branch == "bottleneck" else ("grouped",)
    for form in forms:
        fields = {
            "branch": branch, "order": order, "norm": norm, "attention": attention, "activation": activation,
            "form": form, "expansion": 1, "cardinality": 2 if branch == "bottleneck" else 1,
        }  # fmt: skip
        made = unit(init=Init(zero_last=True), **fields)
        x = images(2, 8, 5, 5)
        y = made(x)
        expected = x
        if order == "bn_after_addition":
            after = dict(made.named_children())[f"bn{made._exit[0].removeprefix('bn')}"]
            expected = after(x)
        if order in ("original", "bn_after_addition"):
            expected = expected.clamp(min=0)
        assert torch.equal(y, expected)
        (y * images(*y.shape)).sum().backward()
        learns = [p.grad.abs().sum() > 0 for n, p in made.named_parameters() if p.grad is not None and "gate" not in n]
        assert any(learns)


@pytest.mark.parametrize("branch", get_args(Branch))
@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_the_convolutions_that_start_at_zero_are_those_that_the_spec_names(branch: str, order: str, norm: str) -> None:
    if norm == "none" and order == "bn_after_addition":
        with pytest.raises(ValidationError):
            Block(norm="none", order="bn_after_addition")
        return
    for form in get_args(Form) if branch == "bottleneck" else ("grouped",):
        net = network(
            Init(zero_last=True), branch=branch, order=order, norm=norm, form=form, activation="tanh",
            cardinality=2 if branch == "bottleneck" else 1,
        )  # fmt: skip
        state = build(net).state_dict()
        assert {path for path in weight_shapes(net) if not state[f"{path}.weight"].any()} == zeroed(net)


def test_group_and_layer_norm_are_torchs() -> None:
    """Wu and He 2018, eq. 7; layer norm is one group."""
    x = images(2, 48, 4, 5)
    for norm, groups in (("group", 16), ("layer", 1)):
        made = unit(48, norm=norm, width=48).eval()
        bn = dict(made.named_children())["bn1"]
        assert isinstance(bn, torch.nn.GroupNorm)
        assert bn.num_groups == groups
        torch.testing.assert_close(bn(x), F.group_norm(x, groups, bn.weight, bn.bias))
    layer = F.layer_norm(x, x.shape[1:])
    torch.testing.assert_close(F.group_norm(x, 1), layer)


@pytest.mark.parametrize("stride_on", ["3x3", "1x1"])
def test_where_the_stride_stands(stride_on: str) -> None:
    """He 2016a has it on the first 1x1, torchvision on the 3x3: so a bottleneck sees a quarter of the pixels or all."""
    made = unit(8, 2, branch="bottleneck", stride_on=stride_on, merge="none", norm="none", activation="tanh").eval()
    x = images(1, 8, 6, 6).requires_grad_()
    made(x).sum().backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    assert int(seen.sum()) == (9 if stride_on == "1x1" else 36)


def test_the_orders_of_he_2016b_in_a_straight_line() -> None:
    """Fig. 4a to e, each as one line of torch."""
    x = images(4, 8, 5, 5)
    for order in get_args(Order):
        made = unit(order=order).eval()
        layers: Any = made
        bn1, bn2, c1, c2, relu = layers.bn1, layers.bn2, layers.conv1, layers.conv2, F.relu
        expected = {
            "original": lambda: relu(x + bn2(c2(relu(bn1(c1(x)))))),  # noqa: B023
            "bn_after_addition": lambda: relu(bn2(x + c2(relu(bn1(c1(x)))))),  # noqa: B023
            "relu_before_addition": lambda: x + relu(bn2(c2(relu(bn1(c1(x)))))),  # noqa: B023
            "relu_only_preactivation": lambda: x + bn2(c2(relu(bn1(c1(relu(x)))))),  # noqa: B023
            "preactivation": lambda: x + c2(relu(bn2(c1(relu(bn1(x)))))),  # noqa: B023
        }[order]()
        torch.testing.assert_close(made(x), expected)


@pytest.mark.parametrize(("shortcut", "same", "changing"), [("A", [], []), ("B", [], [2]), ("C", [1, 2], [2])])
def test_options_a_b_and_c(shortcut: str, same: list[int], changing: list[int]) -> None:
    """He 2016a, Sect. 4.1: projections nowhere, where shapes change, everywhere."""
    net = network(shortcut=shortcut)
    keys = build(net, "meta").state_dict()
    found = [key.split(".")[0] for key in keys if key.endswith("downsample.0.weight")]
    assert found == {"A": [], "B": ["layer2"], "C": ["layer1", "layer1", "layer2", "layer2"]}[shortcut]
    made = unit(8, 2, shortcut=shortcut, width=16, order="preactivation", alpha=1.0, beta=0.0).eval()
    x = images(2, 8, 5, 5)
    y = made(x)
    if shortcut == "A":
        assert torch.equal(y[:, :8], x[:, :, ::2, ::2])
        assert not y[:, 8:].any()
    else:
        layers: Any = made
        entered = F.relu(layers.bn1(x))
        torch.testing.assert_close(y, F.conv2d(entered, layers.downsample[0].weight, stride=2))


@pytest.mark.parametrize("first", get_args(Scheme))
def test_zero_last_in_one_network_only_is_no_shared_weight(first: Scheme) -> None:
    from resnet_viz.ui.fairness import shared_weights

    net = preset("preact_resnet110").model_copy(
        update={"stages": tuple(s.model_copy(update={"blocks": 1}) for s in preset("preact_resnet110").stages)}
    )
    left = net.model_copy(update={"init": Init(scheme=first, zero_last=True)})
    for right in (net.model_copy(update={"init": Init(zero_last=flag)}) for flag in (True, False)):
        one, other = build(left, seed=3).state_dict(), build(right, seed=3).state_dict()
        equal = [path for path in weight_shapes(net) if torch.equal(one[f"{path}.weight"], other[f"{path}.weight"])]
        assert list(shared_weights(left, right).same) == equal

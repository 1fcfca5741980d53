"""Where a verdict draws its lines: each constant is shown beside the verdict that it decides."""

from __future__ import annotations

from .wording import percent, power_of_ten

EXPLODING = 20.0
"""First-to-last gradient ratio above which a network is called exploding."""
VANISHING = 1 / 20
"""First-to-last gradient ratio below which it is called vanishing."""
DEAD_GRADIENT = 1e-6
"""Largest block gradient norm under which a network that has not learned is called dead."""
LEARNED = 0.05
"""Train error (fraction) at or under which a network has learned its training set."""
NOT_LEARNING = 0.9
"""Share of the chance level (1 - 1/classes) at or over which a train error counts as not learning."""
CLEAR_GAP = 0.05
"""Difference of two train errors (fraction) under which there is no clear effect."""
MINIBATCHES = 10
"""Steps over which the minibatch error is averaged when a run has no evaluations."""

THRESHOLDS: dict[str, float] = {
    "exploding": EXPLODING, "vanishing": VANISHING, "dead_gradient": DEAD_GRADIENT, "learned": LEARNED,
    "not_learning": NOT_LEARNING, "clear_gap": CLEAR_GAP, "minibatches": MINIBATCHES,
}  # fmt: skip

EXPLANATION: tuple[str, ...] = (
    "Gradient ratio: norm of the weight gradient of the first 3 x 3 convolution of the blocks over that of the last.",
    f"Above {EXPLODING:g} it is called exploding, below {VANISHING:g} vanishing, between them healthy.",
    f"A net that has not learned and whose block gradients are all under {power_of_ten(DEAD_GRADIENT)} is called dead.",
    "Train error: the whole training set, batch-norm statistics re-estimated, at the last evaluation that all have.",
    f"At {percent(LEARNED)} or less a net has learned; at {percent(NOT_LEARNING)} of the chance level or more it is "
    f"not learning; under {CLEAR_GAP * 100:g} points between two nets there is no clear effect.",
)

"""The words of a lab that a reader of the chapter need not know, explained; found in the lab's own texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .lab import Lab


@dataclass(frozen=True)
class Word:
    """A term, the pattern by which it is found in a lab's texts (in any case of letters), and what it means."""

    term: str
    pattern: str
    meaning: str


WORDS = (
    Word("plain net", r"\bplain\b(?! digits)", "the same layers without shortcuts."),
    Word("shortcut", r"\bshortcuts?\b", "the way around a block: its input goes on and is added to what the block "
         "computes."),
    Word("branch", r"\bbranch(es)?\b", "the layers that a shortcut goes around; they compute F(x)."),
    Word("identity", r"\bidentity\b", "the function that gives back its input."),
    Word("width", r"\bwidths?\b|\bwide\b", "the number of channels of the first stage; later stages have more."),
    Word("train and test error", r"\b(train(ing\*{0,2})?|test) error", "the share of images that the net gets wrong: "
         "of those that it learned from, and of others that it never saw."),
    Word("points", r"\bpoints? (of error|apart|behind|above)|\b(five|ten|three|two|20|5|50|10) points|:points",
         "percentage points: from 3 % to 8 % are five points."),
    Word("initialisation", r"initialisation|at the start\b|at first\b", "the weights before the first step, drawn by "
         "chance."),
    Word("Kaiming, Xavier", r"\bKaiming|\bXavier", "two ways to draw the first weights so that signals keep their "
         "size: Xavier's for layers that are nearly linear, Kaiming's for layers with ReLU."),
    Word("size of a gradient", r"gradient norm|layer's gradient|first gradients|block's gradient|block gets a gradient|"
         r"gradients? at the start", "its norm, over all weights of a layer: how strongly the loss pulls at them."),
    Word("stale statistics, statistics estimated again", r"\bstale\b|estimated again|running statistics",
         "batch norm keeps each channel's mean and variance from training. They are stale where the net has been "
         "changed since; estimated again, they are taken anew from the training images."),
    Word("zero branch, block of zero", r"zero branch|blocks? of zero|branch(es)? (that )?starts? at zero|"
         r"start as zero|by zeros|branches zero", "the last scale of the branch is zero at first, so that a block with "
         "a shortcut hands its input on unchanged."),
    Word("frozen, free", r"\bfrozen\b", "frozen layers keep their weights while the others learn."),
    Word("stochastic depth", r"stochastic depth", "each step of training leaves out some branches, drawn by chance."),
    Word("lesion", r"\blesions?\b", "a part of a trained net is taken out."),
    Word("gate, highway", r"\bgates?\b|\bhighway", "a number T between 0 and 1 that a block computes from its input: "
         "T says how much of the branch passes, 1 − T how much of the shortcut. Nets of such blocks are highways."),
    Word("pre-activation", r"pre-activation", "norm and ReLU stand before each convolution, not behind it."),
    Word("multiply-adds", r"multiply-adds", "the products and sums that one image costs; many papers call them FLOPs. "
         "G is 10⁹."),
    Word("bottleneck", r"\bbottlenecks?\b", "a block of three convolutions: 1×1 to fewer channels, 3×3 there, 1×1 back "
         "to many."),
    Word("groups, ResNeXt", r"\bgroups\b|grouped|ResNeXt", "a grouped convolution works on each group of channels by "
         "itself; ResNeXt is built from such blocks. 4×24d: four groups, of 24 channels each "
         "where the net has width 64."),
    Word("stem, head", r"\bstem\b", "the layers before the first stage, and those behind the last."),
    Word("stride", r"\bstride\b", "how many pixels a convolution moves on: with two the map halves."),
    Word("cluttered digits", r"cluttered digits", "digits, moved about, among pieces of others; made by this "
         "package."),
    Word("half a cosine", r"half a cosine", "the learning rate falls slowly, fast, slowly, to zero."),
    Word("warm-up", r"warm-up", "steps at the start in which the learning rate rises from near zero."),
    Word("relative error", r"relative error", "how far the output is from the input, as a share of the input: at 0 % "
         "it is the identity."),
    Word("curves down", r"curves? (\*)?down", "there is a direction in which the loss bends as on the top of a hill; "
         "in a bowl it bends up in all of them."),
    Word("filter by filter", r"filter by filter", "a random direction is made as large as the weights that it moves, "
         "so that nets with large and with small weights can be compared."),
    Word("autocorrelation", r"autocorrelation", "how alike neighbours are: 1 equal up to their size, 0 nothing in "
         "common."),
    Word("norm of x", r"norm over|branch over x", "its length: the root of the sum of the squares of all its values."),
)  # fmt: skip
"""In the order in which a page lists them."""


@lru_cache(maxsize=64)
def words_of(slug: str) -> tuple[Word, ...]:
    """The words that occur in the texts of a lab. Raises ``KeyError`` for one that there is not."""
    from .catalogue import find

    return found(texts(find(slug)))


def found(text: str) -> tuple[Word, ...]:
    """The words that occur in a text."""
    return tuple(word for word in WORDS if re.search(word.pattern, text, re.IGNORECASE))


def texts(lab: Lab) -> str:
    """Everything that a reader of the lab may read in sentences."""
    parts = [lab.question, lab.setting, *lab.explain.values(), *lab.views]
    for guess in lab.guesses.values():
        parts += [guess.prompt, *guess.choices.values()]
    parts += [one.words for one in lab.evidence]
    parts += [one.words for one in lab.effects]
    return "\n".join(parts)

"""What a lab *is*: one question, what is measured for it, and how its answer follows from the numbers.

A lab is frozen data and a few pure functions; only :attr:`Lab.measure` computes. Everything that a page, a notebook,
a handout or the command line shows of a run is made from its findings here, so a stored run can be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from .numbers import Number

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..draw.colours import Theme
    from ..spec.compact import Shared
    from .bench import Bench

Finding: TypeAlias = dict[str, Any]
"""One raw measurement as JSON has it: {"net": "plain", "layers": 56, "train_error": 0.66, ...}. The frame adds "seed".
A value that is not finite is stored as None."""
Findings: TypeAlias = Sequence[Finding]
Numbers: TypeAlias = Mapping[str, Number]
Verdict = Literal["present", "absent", "reversed"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Effect:
    """One number that decides: the effect is there from ``present`` up, and reversed from ``reversed`` down.

    ``words`` say what the number is, ``style`` how it is written (:data:`~resnet_viz.labs.numbers.STYLES`). The page
    shows both thresholds.
    """

    number: str
    words: str
    present: float
    reversed: float
    style: str = "percent"

    def of(self, number: Number) -> Verdict:
        """What the number shows."""
        value = number.median
        return "present" if value >= self.present else "reversed" if value <= self.reversed else "absent"


@dataclass(frozen=True)
class Guess:
    """A prediction on offer: ``choices`` are words by the outcome that each stands for.

    ``came`` finds the outcome in the numbers (None: it cannot be told yet); without it the outcome is the verdict.
    """

    prompt: str
    choices: Mapping[str, str]
    came: Callable[[Numbers], str | None] | None = None


@dataclass(frozen=True)
class Sketch:
    """A curve that the reader may draw before the run: a fraction (0 to 1) at each of ``xs`` of the lab's picture.

    ``names`` say what each x is. It stays over the result, and decides nothing.
    """

    prompt: str
    xs: tuple[float, ...]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """One row of "claim beside evidence": a number of this run, what a prototype saw, what a paper printed.

    ``number`` names one of the lab's numbers. ``published`` names paper and figure or table in the same breath.
    """

    number: str
    words: str
    style: str = "percent"
    prototype: str = ""
    published: str = ""


@dataclass(frozen=True, kw_only=True)
class Large:
    """What a lab says of a run that was larger, on CIFAR-10 (:attr:`~resnet_viz.labs.bench.Bench.large`).

    ``explain`` has the verdicts whose text holds for the small run only; ``evidence`` and ``comparable`` are those of
    the lab where they are empty.
    """

    setting: str
    explain: Mapping[Verdict, str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    comparable: str = ""


@dataclass(frozen=True)
class Source:
    """A paper with the place in it: what is read there in a few words."""

    name: str
    where: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One question of the readers, and the experiment that answers it.

    number, slug, title
        Its place in the course from 1, its name in addresses, and two or three words.
    question, answer
        The question in the readers' words, rephrased; the answer in one sentence, a template like :attr:`explain`
        that the numbers of the recorded run fill.
    setting
        Which data and which networks, and why these.
    guesses
        What the reader may predict, at least one.
    measure
        ``measure(bench, seed)`` yields findings as they come. It gets everything that trains from the bench.
    read
        ``read(findings)`` of *one* repeat gives numbers by name; what is not measured yet is left out. Pure.
    effects
        The numbers that decide the verdict: present if all are, reversed if one is, else absent.
    explain
        One text for each verdict, Markdown, where ``{name:style}`` is filled with a number and its spread.
    figure, table
        Pure functions of the findings, partial ones too: the picture in a theme, and its data as rows of text.
    evidence, comparable
        Prototype and paper beside this run; one sentence that says whether the paper's setting can be compared.
    sources
        The papers.
    expected
        What the lab promises to show; "absent" where it honestly shows no effect.
    trains, repeats
        False where nothing is trained, and where chance takes no part, so that there is nothing to repeat.
    apart
        The networks or the race that "take it apart" opens.
    views
        Further pictures of the same findings by their names, beside :attr:`figure`.
    sketch
        A curve over :attr:`figure` that the reader may draw beforehand; its y axis then holds fractions.
    large
        Its texts where it runs larger by itself; None where it never does.
    enlarged
        True for the lab of a larger run, which :meth:`at` gives; nothing that is declared sets it.
    """

    number: int
    slug: str
    title: str
    question: str
    answer: str
    setting: str
    guesses: Mapping[str, Guess]
    measure: Callable[[Bench, int], Iterator[Finding]]
    read: Callable[[Findings], dict[str, float]]
    effects: tuple[Effect, ...]
    explain: Mapping[Verdict, str]
    figure: Callable[[Findings, Theme], go.Figure]
    table: Callable[[Findings], list[dict[str, str]]]
    evidence: tuple[Evidence, ...]
    comparable: str
    sources: tuple[Source, ...]
    expected: Verdict = "present"
    trains: bool = True
    repeats: bool = True
    apart: Callable[[], Shared] | None = None
    views: Mapping[str, Callable[[Findings, Theme], go.Figure]] = field(default_factory=dict)
    sketch: Sketch | None = None
    large: Large | None = None
    enlarged: bool = False

    def at(self, *, large: bool) -> Lab:
        """The lab as its run was: with the texts of :attr:`large` where ``large`` and it has any, else itself."""
        own = self.large
        if not large or own is None:
            return self
        return replace(
            self, enlarged=True, setting=own.setting, explain={**self.explain, **own.explain},
            evidence=own.evidence or self.evidence, comparable=own.comparable or self.comparable,
        )  # fmt: skip

    @property
    def beforehand(self) -> str:
        """:attr:`setting` for a reader who has not run it: what it would be on a larger machine stands behind it."""
        if self.large is None or self.enlarged:
            return self.setting
        return f"{self.setting}\n\nOn a GPU of a machine that has CIFAR-10, it runs larger: {self.large.setting}"

    def numbers(self, findings: Findings) -> dict[str, Number]:
        """Every number with one value for each repeat that has it, repeats in the order in which they came."""
        found: dict[str, list[float]] = {}
        for seed in seeds_of(findings):
            for name, value in self.read([one for one in findings if one["seed"] == seed]).items():
                found.setdefault(name, []).append(value)
        return {name: Number(tuple(values)) for name, values in found.items()}

    def verdict(self, numbers: Numbers) -> Verdict | None:
        """What the numbers show; None while one that decides is not measured."""
        if any(effect.number not in numbers for effect in self.effects):
            return None
        said = [effect.of(numbers[effect.number]) for effect in self.effects]
        return "reversed" if "reversed" in said else "present" if set(said) == {"present"} else "absent"

    def verdicts(self, findings: Findings) -> dict[int, Verdict | None]:
        """The verdict of each repeat alone, by seed."""
        return {
            seed: self.verdict(self.numbers([one for one in findings if one["seed"] == seed]))
            for seed in seeds_of(findings)
        }

    def explanation(self, numbers: Numbers) -> str | None:
        """The text for what the numbers show, filled with them; None while there is no verdict."""
        verdict = self.verdict(numbers)
        return None if verdict is None else filled(self.explain[verdict], numbers)

    def outcome(self, guess: str, numbers: Numbers) -> str | None:
        """Which of the guess's choices came true; None while it cannot be told, or when none did."""
        asked = self.guesses[guess]
        return asked.came(numbers) if asked.came is not None else self.verdict(numbers)


def seeds_of(findings: Findings) -> tuple[int, ...]:
    """The repeats that the findings are from, in the order in which they came."""
    return tuple(dict.fromkeys(int(one["seed"]) for one in findings))


def collect(findings: Findings, by: Sequence[str], value: str) -> dict[tuple[Any, ...], Number]:
    """The last ``value`` of each repeat for every combination of the ``by`` fields, in the order in which they came.

    Findings that lack a field, or whose value is None, do not count.
    """
    last: dict[tuple[Any, ...], dict[int, float]] = {}
    for one in findings:
        if one.get(value) is not None and all(name in one for name in by):
            last.setdefault(tuple(one[name] for name in by), {})[int(one["seed"])] = float(one[value])
    return {key: Number(tuple(values.values())) for key, values in last.items()}


def filled(template: str, numbers: Numbers) -> str:
    """A template with its numbers. Raises ``KeyError`` for one that is missing."""
    return template.format_map(numbers)

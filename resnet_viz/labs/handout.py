"""A lab as a handout: one printable page with the reader's prediction and run; HTML that needs no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from .claims import claims
from .observation import Observation

STYLE = """
body { font: 13px/1.45 Inter, system-ui, sans-serif; color: #1A202C; max-width: 180mm; margin: 12mm auto; }
h1 { font-size: 20px; margin: 0 0 2px; } h2 { font-size: 14px; margin: 12px 0 3px; } p { margin: 3px 0; }
table { border-collapse: collapse; width: 100%; font-size: 11.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 2px 8px 2px 0; border-bottom: 1px solid #DDE2E8; vertical-align: top; }
.quiet { color: #5B6472; font-size: 11.5px; } ol { margin: 2px 0; padding-left: 18px; } .figure { height: 330px; }
@media print { @page { size: A4; margin: 12mm; } body { margin: 0; } h2, .figure, table { break-inside: avoid; } }
"""


def handout(observation: Observation, guesses: Mapping[str, str] | None = None) -> str:
    """The page as HTML, every text in it escaped; ``guesses`` are the reader's choices by the name of the guess."""
    lab = observation.lab
    parts = [
        f"<h1>{_text(lab.question)}</h1><p class='quiet'>ResNet Viz, lab {lab.number}: {_text(lab.title)}</p>",
        f"<h2>Set-up</h2><p>{_text(lab.setting)}</p>",
        _predictions(observation, guesses or {}),
        f"<h2>Observed</h2><p class='quiet'>{_text(observation.origin)}</p>{_figure(observation)}",
        _explained(observation),
        f"<h2>Claim and evidence</h2>{_table(claims(observation))}<p class='quiet'>{_text(lab.comparable)}</p>",
        _sources(observation),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(lab.title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _predictions(observation: Observation, guesses: Mapping[str, str]) -> str:
    lab, items = observation.lab, []
    for name, guess in lab.guesses.items():
        said = guess.choices.get(guesses.get(name, ""), "")
        came = guess.choices.get(lab.outcome(name, observation.numbers) or "", "") if observation.verdict else ""
        mine = f"Predicted: {_text(said)}." if said else "Predicted: ________________________"
        items.append(f"<li>{_text(guess.prompt)}<br>{mine}{f' Observed: {_text(came)}.' if came else ''}</li>")
    return f"<h2>Predicted</h2><ol>{''.join(items)}</ol>"


def _explained(observation: Observation) -> str:
    said = observation.explanation
    if said is None:
        return "<p>This run did not come to its end, so there is nothing to explain.</p>"
    paragraphs = "".join(f"<p>{_text(one)}</p>" for one in said.split("\n\n"))
    return f"<h2>Explained</h2>{paragraphs}<p class='quiet'>{_text(observation.agreement)}</p>"


def _figure(observation: Observation) -> str:
    figure = observation.figure("light")
    figure.update_layout(width=680, height=330)
    drawn: str = figure.to_html(full_html=False, include_plotlyjs=True, config={"staticPlot": True})
    return f"<div class='figure'>{drawn}</div>"


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{_text(key)}</th>" for key in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{_text(value)}</td>" for value in row.values()) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _sources(observation: Observation) -> str:
    items = "".join(
        f"<li>{_text(one.name)}, {_text(one.where)} ({_text(one.url)})</li>" for one in observation.lab.sources
    )
    return f"<h2>Sources</h2><ol>{items}</ol>"


def _text(text: str) -> str:
    """Escaped, with the little Markdown that labs use: bold, italics, code."""
    safe = escape(text)
    safe = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", safe)
    safe = re.sub(r"\*(.+?)\*", r"<i>\1</i>", safe)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", safe)

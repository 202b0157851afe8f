"""Matches drawn strokes with the strokes of a letterform, by place, direction and shape.

Two strokes may be drawn in one, and one in two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handlers.arrays import Mask
from handlers.judged import LEAST_WRITTEN
from handlers.lines import Indices, Line
from handlers.offsets import NOWHERE, Offsets, is_elsewhere

_OWN = 0.6
"""Share of a stroke that is drawn along another one, for the two to be one."""
_SHORTEST = 8
"""Points of a stroke that has a direction of writing."""


@dataclass(frozen=True)
class Match:
    """A drawn stroke that is a stroke of the letterform, or a piece of it, or more than it."""

    drawn: int
    stroke: int
    reversed: bool


@dataclass(frozen=True)
class Matching:
    """Which strokes were drawn, and how."""

    expected: int
    drawn: int
    matched: tuple[Match, ...]
    """In the order of drawing."""

    @property
    def missing(self) -> list[int]:
        """The strokes of the letterform that were not drawn."""
        return sorted({*range(self.expected)} - {match.stroke for match in self.matched})

    @property
    def extra(self) -> list[int]:
        """The drawn strokes that are none of the letterform."""
        return sorted({*range(self.drawn)} - {match.drawn for match in self.matched})

    @property
    def joined(self) -> list[int]:
        """The strokes that were drawn in one with an earlier stroke."""
        first: dict[int, int] = {}
        for match in self.matched:
            first[match.drawn] = min(match.stroke, first.get(match.drawn, match.stroke))
        return sorted({each.stroke for each in self.matched if each.stroke != first[each.drawn]})

    @property
    def early(self) -> list[int]:
        """The fewest strokes whose turn had not come when they were drawn."""
        order = list(dict.fromkeys(match.stroke for match in self.matched))
        kept = _longest_increasing(order)
        return sorted(stroke for stroke in order if stroke not in kept)


def match_strokes(drawn: Line, form: Line, offsets: Offsets) -> Matching:
    """Matches greedily, the pair with the longest common piece first."""
    close = offsets.closeness
    near = close > 0
    of_drawn, of_form = drawn.pieces, form.pieces
    expected, count = len(of_form), len(of_drawn)
    # The best of each point for each stroke of the other.
    to_form = np.maximum.reduceat(close, form.starts, axis=1)
    to_drawn = np.maximum.reduceat(close, drawn.starts, axis=0)
    along = np.add.reduceat(to_form > 0, drawn.starts, axis=0, dtype=np.intp)
    written = np.add.reduceat(to_drawn > 0, form.starts, axis=1, dtype=np.intp)
    sizes, lengths = np.bincount(form.strokes), np.bincount(drawn.strokes)
    worth = np.add.reduceat(to_drawn, form.starts, axis=1)
    worth += np.add.reduceat(to_form, drawn.starts, axis=0)
    worth *= (written >= LEAST_WRITTEN * sizes) & (along > 0)
    pairs: list[tuple[int, int]] = []
    while worth.max() > 0:
        d, e = divmod(int(worth.argmax()), expected)
        pairs.append((d, e))
        worth[d], worth[:, e] = 0, 0
    for e in sorted({*range(expected)} - {e for _, e in pairs}):
        for d in sorted({*range(count)} - {d for d, _ in pairs}):
            if is_elsewhere(drawn.only(of_drawn[d]), form.only(of_form[e])):
                pairs.append((d, e))
                break
    pairs += _joined(pairs, near, of_drawn, of_form)
    matched_strokes = {d for d, _ in pairs}
    for d in range(count):
        e = int(along[d].argmax())
        if d not in matched_strokes and along[d, e] >= _OWN * lengths[d]:
            pairs.append((d, e))
    matches = [Match(d, e, _is_reversed(near[of_drawn[d], of_form[e]])) for d, e in pairs]
    matches.sort(key=lambda match: (match.drawn, match.stroke))
    return Matching(expected, count, tuple(matches))


def parts_of(drawn: Line, matching: Matching, nearest: Indices) -> Indices:
    """The part of each point of drawn strokes: of a stroke that is two, the nearest of them."""
    parts = np.full(len(drawn.points), NOWHERE)
    for d in range(matching.drawn):
        own = {match.stroke for match in matching.matched if match.drawn == d}
        here = drawn.strokes == d
        if len(own) == 1:
            parts[here] = own.pop()
        elif own:
            parts[here] = np.where(np.isin(nearest[here], list(own)), nearest[here], NOWHERE)
    return parts


def _joined(
    pairs: list[tuple[int, int]], near: Mask, of_drawn: list[slice], of_form: list[slice]
) -> list[tuple[int, int]]:
    """Strokes without a match of their own that another drawn stroke goes along as well."""
    found = []
    matched = {e for _, e in pairs}
    for e in range(len(of_form)):
        if e in matched:
            continue
        for d, first in pairs:
            own = near[of_drawn[d]]
            # Only points beyond the stroke that it is count.
            rest = own[~own[:, of_form[first]].any(axis=1)][:, of_form[e]]
            if len(rest) and rest.any(axis=0).mean() >= _OWN:
                found.append((d, e))
                break
    return found


def _is_reversed(near: Mask) -> bool:
    """Whether a stroke was drawn from its end to its start; `near` is (drawn points, points)."""
    drawn, form = np.nonzero(near)
    if min(near.shape) < _SHORTEST or len(drawn) < 2:
        return False
    return bool(np.cov(drawn, form)[0, 1] < 0)


def _longest_increasing(order: list[int]) -> set[int]:
    runs: list[list[int]] = [[]]
    for stroke in order:
        before = [run for run in runs if run[-1:] < [stroke]]
        runs.append([*_longest(before), stroke])
    return set(_longest(runs))


def _longest(runs: list[list[int]]) -> list[int]:
    return max(runs, key=lambda run: len(run))

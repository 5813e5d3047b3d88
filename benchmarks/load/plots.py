"""Plots as SVG made here: lines over an axis, and bars beside or on top of each other. Zero is always at the bottom."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720
HEIGHT: Final = 260
_LEFT: Final = 64
_RIGHT: Final = 16
_TOP: Final = 38
_BOTTOM: Final = 66
_SPAN: Final = WIDTH - _LEFT - _RIGHT
_RISE: Final = HEIGHT - _TOP - _BOTTOM
COLOURS: Final = ("#1769aa", "#c4501b", "#2e7d32", "#7b1fa2", "#616161", "#00838f")
_DOTS: Final = 30
"""Lines of at most so many points show them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name and points (x, y)."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or a group of them: its label and the named values."""

    label: str
    parts: Sequence[tuple[str, float]]


def plot(title: str, x_name: str, y_name: str, lines: Sequence[Line], *, mark: float | None = None) -> str:
    """Return an SVG of the lines; `mark` is a dashed line at that height. Nothing to show: an empty text."""
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    if low == high:
        low, high = low - 1, high + 1
    ticks = ticks_to(max([y for _, y in points] + ([mark] if mark is not None else [])))

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + (x - low) / (high - low) * _SPAN, _height(y, ticks)

    parts = [*_frame(title, y_name, ticks)]
    for x in (x for x in _ticks(low, high) if low <= x <= high):
        at, _ = place(x, 0)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{short(x)}</text>')
    parts.append(
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - _BOTTOM + 31}" text-anchor="end">{html.escape(x_name)}</text>'
    )
    if mark is not None:
        y = _height(mark, ticks)
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#c00" stroke-dasharray="4"/>'
        )
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [place(*point) for point in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if len(places) <= _DOTS:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    return "\n".join([*parts, *_legend([line.name for line in lines]), "</svg>"])


def plot_bars(title: str, y_name: str, bars: Sequence[Bar], *, is_stacked: bool = False) -> str:
    """Return an SVG of the bars: the parts of each side by side, or stacked. Nothing to show: an empty text."""
    if not any(bar.parts for bar in bars):
        return ""
    names = list(dict.fromkeys(name for bar in bars for name, _ in bar.parts))
    total = sum if is_stacked else max
    # Room for the number above the highest.
    ticks = ticks_to(1.08 * max(total(value for _, value in bar.parts) for bar in bars if bar.parts))
    parts = [*_frame(title, y_name, ticks)]
    room = _SPAN / len(bars)
    for number, bar in enumerate(bars):
        left, wide = _LEFT + number * room + 0.15 * room, min(0.7 * room, 110.0)
        left += (0.7 * room - wide) / 2
        each = wide if is_stacked else wide / max(1, len(bar.parts))
        below = 0.0
        for place, (name, value) in enumerate(bar.parts):
            colour = COLOURS[names.index(name) % len(COLOURS)]
            x, y = left + (0 if is_stacked else place * each), _height(below + value, ticks)
            tall = _height(below, ticks) - y
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{each - 1:.1f}" height="{tall:.1f}" fill="{colour}">'
                f"<title>{html.escape(f'{bar.label}, {name}: {short(value)}')}</title></rect>"
            )
            if is_stacked:
                below += value
            else:
                parts.append(f'<text x="{x + each / 2:.1f}" y="{y - 3:.1f}" text-anchor="middle">{short(value)}</text>')
        if is_stacked:
            y = _height(below, ticks) - 3
            parts.append(f'<text x="{left + wide / 2:.1f}" y="{y:.1f}" text-anchor="middle">{short(below)}</text>')
        at = left + wide / 2
        for line, words in enumerate(bar.label.split("\n")[:2]):
            y = HEIGHT - _BOTTOM + 15 + 14 * line
            parts.append(f'<text x="{at:.1f}" y="{y}" text-anchor="middle">{html.escape(words)}</text>')
    return "\n".join([*parts, *(_legend(names) if len(names) > 1 else []), "</svg>"])


def ticks_to(top: float) -> list[float]:
    """Round numbers from 0 to at least `top`."""
    found = _ticks(0.0, top if top > 0 else 1.0)
    return found if found[-1] >= top else [*found, found[-1] + (found[1] - found[0])]


def short(value: float) -> str:
    """A number for an axis."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers that begin at or below `low`."""
    rough = (high - low) / 5
    scale = 10 ** math.floor(math.log10(rough))
    step = next(scale * unit for unit in (1, 2, 5, 10) if scale * unit >= rough * 0.99)
    first, count = math.floor(low / step), math.floor(high / step) - math.floor(low / step)
    return [round((first + n) * step, 10) for n in range(count + 1)]


def _height(y: float, ticks: Sequence[float]) -> float:
    return _TOP + _RISE * (1 - max(0.0, y) / ticks[-1])


def _frame(title: str, y_name: str, ticks: Sequence[float]) -> list[str]:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' role="img" font-family="system-ui,sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="12" y="19" font-size="14" font-weight="600">{html.escape(title)}</text>',
        f'<text x="{WIDTH - _RIGHT}" y="19" text-anchor="end">{html.escape(y_name)}</text>',
    ]
    for tick in ticks:
        y = _height(tick, ticks)
        colour = "#888" if tick == 0 else "#e3e3e3"
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="{colour}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(_LEFT)
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<rect x="{x:.0f}" y="{HEIGHT - 20}" width="11" height="11" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16:.0f}" y="{HEIGHT - 10}">{html.escape(name)}</text>')
        x += 34 + 6.6 * len(name)
    return parts

# SPDX-License-Identifier: MIT
"""Plots as SVG, with nothing but the standard library."""

from xml.sax.saxutils import escape

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 64, 84
COLOURS = {"virtq": "#1f5fa8", "virtq, fixed shape": "#6fa8dc", "Linux": "#c0504d", "FLOOR+fence": "#7f7f7f",
           "FLOOR": "#bfbfbf", "virtq packed": "#4b9c6f", "Linux packed": "#e0a36c", "FLOOR+fence packed": "#a9a9c9"}


def text(x, y, words, anchor="middle", size=12, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {more}>{escape(str(words))}</text>')


def nice_step(top):
    """A step of 1, 2 or 5 times a power of ten, for about five lines."""
    step = 10.0 ** -3
    while True:
        for factor in (1, 2, 5):
            if top / (step * factor) <= 6:
                return step * factor
        step *= 10


def figure(value):
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


class Plot:
    def __init__(self, title, unit, note, names):
        self.parts = [
            '<?xml version="1.0" encoding="UTF-8"?>', "<!-- SPDX-License-Identifier: MIT -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            'font-family="sans-serif" fill="#222">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', text(LEFT, 22, title, "start", 15, 'font-weight="bold"'),
            text(LEFT, HEIGHT - 10, note, "start", 10, 'fill="#666"'),
            text(14, (TOP + HEIGHT - BOTTOM) / 2, unit, "middle", 12,
                 f'transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2})"')]
        x = LEFT
        for name in names:
            self.parts += [f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[name]}"/>',
                           text(x + 17, 44, name, "start")]
            x += 36 + 7 * len(name)

    def scale(self, top):
        step = nice_step(top)
        self.top = top
        mark = 0.0
        while mark <= top:
            y = self.y(mark)
            self.parts += [f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>',
                           text(LEFT - 6, y + 4, figure(mark), "end", 11)]
            mark += step

    def y(self, value):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / self.top

    def done(self):
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def bars(title, unit, note, groups, names, reference):
    """groups: [(label, {name: value})]. Above each bar its ratio to `reference` of the group."""
    plot = Plot(title, unit, note, names)
    plot.scale(1.12 * max(value for _, values in groups for value in values.values()))
    span = (WIDTH - LEFT - RIGHT) / len(groups)
    for place, (label, values) in enumerate(groups):
        there = [name for name in names if name in values]
        width = 0.8 * span / len(names)
        x = LEFT + span * place + 0.1 * span + width * (len(names) - len(there)) / 2
        for name in there:
            y = plot.y(values[name])
            plot.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width * 0.92:.1f}" '
                              f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{COLOURS[name]}"/>')
            if reference in values:
                plot.parts.append(text(x + width * 0.46, y - 4, f"{values[name] / values[reference]:.2f}", "middle", 9))
            x += width
        plot.parts.append(text(LEFT + span * (place + 0.5), HEIGHT - BOTTOM + 18, label))
    plot.parts.append(text(LEFT, HEIGHT - 28, f"Above each bar: its ratio to {reference}.", "start", 10, 'fill="#666"'))
    return plot.done()


def lines(title, unit, note, marks, series, under):
    """marks: labels of the x axis, at equal distances; series: {name: [value or None]}."""
    plot = Plot(title, unit, note, list(series))
    plot.scale(1.1 * max(value for values in series.values() for value in values if value is not None))
    step = (WIDTH - LEFT - RIGHT) / len(marks)
    for name, values in series.items():
        points = [(LEFT + step * (i + 0.5), plot.y(value)) for i, value in enumerate(values) if value is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        plot.parts.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>')
        plot.parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[name]}"/>' for x, y in points]
    plot.parts += [text(LEFT + step * (i + 0.5), HEIGHT - BOTTOM + 18, mark) for i, mark in enumerate(marks)]
    plot.parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 36, under))
    return plot.done()

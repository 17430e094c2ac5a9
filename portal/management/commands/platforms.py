"""`manage.py platforms`: what each platform can do, computed from its connector's class, as README's table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integrations.sync.platforms import Ability, build_matrix, list_platforms


class Command(BaseCommand):
    help = "What each platform can do, as a Markdown table."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(draw_matrix(), ending="")


def draw_matrix() -> str:
    """A row an ability, a column a platform; "by form" is what a connection's settings say or do not."""
    platforms = list_platforms()
    columns = [build_matrix(platform.key, {}) for platform in platforms]
    lines = [_row("", [platform.label for platform in platforms]), "|---|" + "---|" * len(platforms)]
    for place, (subject, cells) in enumerate(columns[0]):
        for index, cell in enumerate(cells):
            found = [_mark(column[place][1][index]) for column in columns]
            lines.append(_row(f"{subject}: {cell.what}" if subject != "Itself" else cell.what.capitalize(), found))
    return "\n".join(lines) + "\n"


def _row(first: str, cells: list[str]) -> str:
    return f"| {first} | " + " | ".join(cells) + " |"


def _mark(ability: Ability) -> str:
    if ability.can:
        return "yes"
    return "by form" if ability.by_settings else "–"

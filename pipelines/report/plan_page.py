"""Make the planning board's page: one HTML file that needs nothing else, in the style of the report."""

from functools import cache

import jinja2

from pipelines.report.wording import format_risk
from pipelines.tickets.board import Board

# A row takes 500 bytes: the page stays below 2 MB.
MAX_TICKETS = 2000
MAX_WAITING = 1000


def render_plan(board: Board) -> bytes:
    """Return the page as UTF-8 HTML; the same board gives the same bytes.

    Every value is escaped: names of hosts, models and slots come from machines that we don't trust.
    """
    return _template().render(board=board, max_tickets=MAX_TICKETS, max_waiting=MAX_WAITING).encode()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipelines.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["risk"] = format_risk
    return environment.get_template("plan.html.j2")

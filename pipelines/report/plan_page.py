"""Make the planning board's page: one HTML file that needs nothing else, in the style of the report."""

from pipelines.report.page_template import load_template
from pipelines.tickets.board import Board

# A row takes 500 bytes: the page stays below 2 MB.
MAX_TICKETS = 2000
MAX_WAITING = 1000


def render_plan(board: Board) -> bytes:
    """Return the page as UTF-8 HTML; the same board gives the same bytes.

    Every value is escaped: names of hosts, models and slots come from machines that we don't trust.
    """
    page = load_template("plan.html.j2").render(board=board, max_tickets=MAX_TICKETS, max_waiting=MAX_WAITING)
    return page.encode()

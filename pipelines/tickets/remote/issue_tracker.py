"""A ``Tracker`` made of plain issues: repeatable, read back after every write, damage named."""

import datetime as dt
import logging
import re
from collections.abc import Collection, Iterable, Sequence

from pipelines.errors import PermanentError, TrackerError
from pipelines.tickets.record import TicketRecord, read_record
from pipelines.tickets.remote.issues import Change, Issue, Issues
from pipelines.tickets.remote.state_block import TicketState, join_state, split_state
from pipelines.tickets.ticket_errors import TicketGoneError
from pipelines.tickets.tracker import PERSON_COMMENT, TECHNICIAN_OUTCOMES, Comment, Draft, Outcome, Ticket

_NOTE = re.compile(r"\n*\(Prefail note ([A-Za-z0-9_-]+)\)")


log = logging.getLogger(__name__)


class IssueTracker:
    """The protocol of ``Tracker`` over ``Issues``. It holds no state.

    A ticket that a person damaged is left out of searches with a warning, so that the others are followed;
    whatever is asked of it by its number or key raises ``TicketGoneError``.
    """

    def __init__(self, issues: Issues) -> None:
        self._issues = issues

    def find(self, keys: Collection[str]) -> list[Ticket]:
        return _read_tickets(self._issues.search_keys(sorted(set(keys)))) if keys else []

    def list_open(self, environment: str) -> list[Ticket]:
        return _read_tickets(self._issues.search_environment(environment, is_open_only=True))

    def list_all(self, environment: str) -> list[Ticket]:
        return _read_tickets(self._issues.search_environment(environment))

    def list_opened_on(self, environment: str, day: dt.date) -> list[Ticket]:
        return _read_tickets(self._issues.search_environment(environment, opened_day=day))

    def get(self, ticket_id: str) -> Ticket:
        return _read_ticket(self._issues.read(ticket_id))

    def create(self, draft: Draft) -> Ticket:
        if existing := self._find_open(draft.key):
            return existing
        shown = Draft(
            title=self._shorten(draft.title), body=self._issues.show(draft.body), record=draft.record
        )
        written = self._issues.read(self._issues.open(shown))
        return _check_written(written, draft.record, TicketState(), is_open=True)

    def comment(self, ticket_id: str, comment: Comment) -> None:
        said = [_NOTE.findall(remark.text) for remark in self._issues.read_remarks(ticket_id)]
        if not any(comment.comment_id in ids for ids in said):
            text = f"{comment.text}\n\n(Prefail note {comment.comment_id})"
            self._issues.add_remark(ticket_id, self._issues.show(text))

    def update(self, ticket_id: str, draft: Draft) -> None:
        issue = self._issues.read(ticket_id)
        ticket, (_, state) = _read_ticket(issue), split_state(issue.text, ticket_id)
        if ticket.key != draft.key:
            raise _edited(issue, ticket.key, f"the text of key {draft.key} was meant for it")
        title, body = self._shorten(draft.title), self._issues.show(draft.body)
        if (issue.title, ticket.body) != (title, body):
            self._write(issue, title, body, draft.record, state, is_open=issue.is_open)

    def close(self, ticket_id: str, *, outcome: Outcome, day: dt.date, note: str) -> Ticket:
        issue = self._issues.read(ticket_id)
        ticket = _read_ticket(issue)
        if not ticket.is_open and (outcome not in TECHNICIAN_OUTCOMES or outcome is ticket.outcome):
            return ticket
        said = f"Closed as {outcome}." + (f" {note}" if note else "")
        # Said first: as long as the ticket is open, a run after a kill does all of this again.
        issue = self._say(issue, Comment(comment_id=f"{day}-{outcome}", day=day, text=said))
        state = TicketState(closed_day=day, outcome=outcome, snoozed_until=ticket.snoozed_until)
        return self._write(issue, issue.title, ticket.body, ticket.record, state, is_open=False)

    def reopen(self, ticket_id: str, *, day: dt.date) -> Ticket:
        issue = self._issues.read(ticket_id)
        ticket = _read_ticket(issue)
        if ticket.is_open:
            return ticket
        if existing := self._find_open(ticket.key):
            return existing
        issue = self._say(issue, Comment(comment_id=f"{day}-opened-again", day=day, text="Opened again."))
        state = TicketState(snoozed_until=ticket.snoozed_until)
        return self._write(issue, issue.title, ticket.body, ticket.record, state, is_open=True)

    def snooze(self, ticket_id: str, *, until: dt.date | None, day: dt.date) -> Ticket:
        issue = self._issues.read(ticket_id)
        ticket, (_, state) = _read_ticket(issue), split_state(issue.text, ticket_id)
        if ticket.snoozed_until == until:
            return ticket
        said = "Woken." if until is None else f"Snoozed until {until}."
        issue = self._say(issue, Comment(comment_id=f"{day}-quiet-until-{until}", day=day, text=said))
        state = state.model_copy(update={"snoozed_until": until})
        return self._write(issue, issue.title, ticket.body, ticket.record, state, is_open=ticket.is_open)

    def read_history(self, ticket_id: str) -> list[Comment]:
        history = []
        for position, remark in enumerate(self._issues.read_remarks(ticket_id)):
            noted = _NOTE.search(remark.text)
            comment_id = noted.group(1) if noted else f"{PERSON_COMMENT}{position}"
            text = _NOTE.sub("", remark.text).strip()
            history.append(Comment(comment_id=comment_id, day=remark.day, text=text))
        return history

    def _shorten(self, title: str) -> str:
        longest = self._issues.longest_title
        return title if len(title) <= longest else title[: longest - 1] + "…"

    def _say(self, issue: Issue, comment: Comment) -> Issue:
        """Add a remark and return the issue as it is then: a remark may change its version."""
        self.comment(issue.issue_id, comment)
        return issue if issue.version is None else self._issues.read(issue.issue_id)

    def _find_open(self, key: str) -> Ticket | None:
        # Strictly: a damaged ticket that carries the key may well be the open one.
        tickets = [_read_ticket(issue) for issue in self._issues.search_keys([key])]
        return next((ticket for ticket in tickets if ticket.is_open), None)

    def _write(
        self, issue: Issue, title: str, body: str, record: TicketRecord, state: TicketState, *, is_open: bool
    ) -> Ticket:
        outcome = None if is_open else state.outcome or issue.outcome
        text = join_state(body, state)
        self._issues.write(issue, Change(title=title, text=text, is_open=is_open, outcome=outcome))
        return _check_written(self._issues.read(issue.issue_id), record, state, is_open=is_open)


def _read_tickets(issues: Iterable[Issue]) -> list[Ticket]:
    found = {issue.issue_id: issue for issue in issues}
    tickets, damaged = [], []
    for issue_id in sorted(found, key=_age):
        try:
            tickets.append(_read_ticket(found[issue_id]))
        except TicketGoneError as error:
            damaged.append(error)
    if damaged:
        log.warning(f"left out damaged tickets: count={len(damaged)} first={damaged[0].message}")
    return tickets


def _age(issue_id: str) -> tuple[Sequence[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", issue_id)], issue_id


def _read_ticket(issue: Issue) -> Ticket:
    """Return the ticket that an issue is; ``TicketGoneError`` if a person damaged what makes it one."""
    body, state = split_state(issue.text, issue.issue_id)
    try:
        record = read_record(body, issue.issue_id)
    except PermanentError as damaged:
        raise TicketGoneError(damaged.message, had_no_effect=True, **damaged.facts) from damaged
    if issue.key != record.key.digest:
        raise _edited(issue, record.key.digest, "its record names another")
    closed_day, outcome = None, None
    if not issue.is_open:
        # What a technician set in the tracker is newer than what we wrote into the text.
        is_theirs = issue.outcome in TECHNICIAN_OUTCOMES and issue.outcome is not state.outcome
        outcome = issue.outcome if is_theirs else state.outcome or issue.outcome
        closed_day = issue.closed_on if is_theirs else state.closed_day or issue.closed_on
        if closed_day is None:
            raise PermanentError(
                f"Ticket {issue.issue_id} is closed, but the tracker does not say since when. It was not changed. "
                "Let the account read the day of closing, or open and close the ticket again by hand.",
                ticket_id=issue.issue_id,
            )
    return Ticket(
        ticket_id=issue.issue_id,
        is_open=issue.is_open,
        title=issue.title,
        body=body,
        record=record,
        closed_day=closed_day,
        outcome=outcome,
        snoozed_until=state.snoozed_until,
    )


def _edited(issue: Issue, key: str, why: str) -> TicketGoneError:
    carried = "no key" if issue.key is None else f"key {issue.key}"
    return TicketGoneError(
        f"Ticket {issue.issue_id} carries {carried}, and {why}: {key}. Somebody edited it; it was not changed. "
        f"Put key {key} back into the field or label for it, or take every Prefail mark off the ticket, then run "
        "the same command again.",
        ticket_id=issue.issue_id,
        key=key,
        had_no_effect=True,
    )


def _check_written(written: Issue, record: TicketRecord, state: TicketState, *, is_open: bool) -> Ticket:
    """Return the ticket as it was read back; ``TrackerError`` unless it shows what was written."""
    ticket = _read_ticket(written)
    shown = split_state(written.text, written.issue_id)[1]
    if (ticket.record, shown, ticket.is_open) == (record, state, is_open):
        return ticket
    raise TrackerError(
        f"Ticket {ticket.ticket_id} does not show what was just written to it. Somebody else may have changed it at "
        "that moment, or the account may not change some field. The published list is not affected. "
        "Run the same command again; if it says this twice, check the account's rights.",
        ticket_id=ticket.ticket_id,
    )

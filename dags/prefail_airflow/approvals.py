"""A question to a person, shown under Required Actions, and what the answer is for the task after it."""

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from pipelines.approval import Answer, ApprovalQuestion

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.definitions.xcom_arg import XComArg

APPROVE, REJECT = ApprovalOperator.APPROVE, ApprovalOperator.REJECT


class AskPerson(HITLOperator):
    """Park until somebody approves or rejects, without a worker; unanswered in time, it is rejected.

    Not an ``ApprovalOperator``, because that one skips what follows a rejection, and a rejection has to be
    written down, too. Returns what was answered, by whom, and what it is ``about``.
    """

    def __init__(self, *, about: str, **kwargs: Any) -> None:
        super().__init__(options=[APPROVE, REJECT], defaults=REJECT, **kwargs)
        self.about = about

    def execute_complete(self, context: "Context", event: dict[str, object]) -> dict[str, object]:
        answered = super().execute_complete(context, event)
        who = answered["responded_by_user"]
        # Nobody is named where the time was over.
        name = f"{who['name'] or who['id']} (in Airflow)" if who else None
        return {"about": self.about, "is_approved": answered["chosen_options"] == [APPROVE], "who": name}


def ask_each(questions: "XComArg", *, task_id: str, task_display_name: str) -> "MappedOperator":
    """Ask each question in a task of its own; where there is none, the task is skipped."""
    return AskPerson.partial(
        task_id=task_id, task_display_name=task_display_name, map_index_template="{{ task.about }}"
    ).expand_kwargs(questions)


def as_arguments(question: ApprovalQuestion) -> dict[str, object]:
    """Return a question as :func:`ask_each` takes it."""
    # Airflow renders both as templates: a name from data must not be one.
    return {
        "about": question.about,
        "subject": _without_templates(question.subject),
        "body": _without_templates(question.body),
        "response_timeout": dt.timedelta(hours=question.wait_hours),
    }


def read_answer(answered: Mapping[str, object]) -> Answer:
    """Return the answer from what the task that asked returned."""
    who = answered["who"]
    return Answer(is_approved=answered["is_approved"] is True, who=None if who is None else str(who))


def _without_templates(text: str) -> str:
    return text.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #")

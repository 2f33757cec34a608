"""What Airflow is given of a question, and what is made of its answer."""

import datetime as dt

from prefail_airflow.approvals import as_arguments, read_answer

from pipelines.approval import ApprovalQuestion


def test_a_question_is_asked_as_it_stands_and_a_template_in_a_name_stays_text() -> None:
    question = ApprovalQuestion(
        about="4", subject="Open 2 of {{ var.value.secret }}?", body="{% x %} {# y #}", wait_hours=1.5
    )
    assert as_arguments(question) == {
        "about": "4",
        "subject": "Open 2 of { { var.value.secret }}?",
        "body": "{ % x %} { # y #}",
        "response_timeout": dt.timedelta(minutes=90),
    }


def test_an_answer_keeps_who_gave_it() -> None:
    answer = read_answer({"about": "4", "is_approved": True, "who": "ada (in Airflow)"})
    assert (answer.is_approved, answer.by_whom) == (True, "ada (in Airflow)")
    assert answer.summary == "approved by ada (in Airflow)"


def test_where_the_time_was_over_nobody_approved() -> None:
    answer = read_answer({"about": "4", "is_approved": False, "who": None})
    assert answer.summary == "rejected by nobody in time"

"""What a person is asked before something happens, whoever asks: the Airflow UI or the command line."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ApprovalQuestion:
    """One question that is answered by yes or no. ``body`` is Markdown in which text from data is inert.

    ``about`` names what is decided, for the one who carries out the answer: a model's id, or how many tickets.
    """

    about: str
    subject: str
    body: str
    wait_hours: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was said, and by whom. ``who`` is null where nobody answered in time, which is a no."""

    is_approved: bool
    who: str | None

    @property
    def by_whom(self) -> str:
        """The answer's author as the records name them."""
        return self.who or "nobody in time"

    @property
    def summary(self) -> str:
        """The answer in three words or so."""
        return f"{'approved' if self.is_approved else 'rejected'} by {self.by_whom}"

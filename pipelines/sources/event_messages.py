"""Count events that a source already tells apart, one message each, by the signature of the message."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.log_templates import mask_lines, refine_template
from features.signatures import load_catalogue
from pipelines.sources.hw_events import EventCollector
from pipelines.sources.memory_places import NOWHERE, Place


@dataclass(frozen=True, kw_only=True)
class EventMessage:
    """One event. ``second`` is of the Unix epoch; ``text`` is one line that the catalogue reads."""

    host_id: str
    second: float
    text: str
    component_hint: str | None = None
    place: Place = NOWHERE
    n_events: int = 1
    severity: str | None = None


def collect_messages(messages: Sequence[EventMessage], collector: EventCollector) -> None:
    """Count all messages; ``severity`` is for those that no signature speaks of."""
    if not messages:
        return
    texts = [" ".join(message.text.split()) for message in messages]
    lines = mask_lines("".join(text + "\n" for text in texts).encode("utf-8", "replace"))
    templates = [refine_template(masked.decode("utf-8", "replace")) or "(empty)" for masked in lines.masked]
    signatures = load_catalogue().match(templates)
    for message, text, code in zip(messages, texts, lines.codes.tolist(), strict=True):
        signature = signatures[code]
        if signature is not None:
            collector.add_known(
                host_id=message.host_id,
                second=message.second,
                signature=signature,
                template=templates[code],
                message=text,
                component_hint=message.component_hint,
                place=message.place,
                n_events=message.n_events,
            )
        else:
            collector.add_unknown(
                host_id=message.host_id,
                second=message.second,
                template=templates[code],
                message=text,
                severity=message.severity,
                n_lines=message.n_events,
            )

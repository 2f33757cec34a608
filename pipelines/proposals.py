"""Models that passed the gate and wait for a person: ``registry/<target>/proposals/<model_id>.json``.

A proposal is no decision: the ledger, which older releases read, too, gets an entry when somebody has decided.
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from pipelines.approval import Answer
from pipelines.errors import PermanentError
from pipelines.lake import Lake
from pipelines.ledger import LedgerEntry, read_ledger
from pipelines.registry import champion, load_card, promote_model, reject_model


class Proposal(BaseModel):
    """A model, what the gate says of it, and the champion it was compared with (null: the target's rule)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    model_id: str
    as_of: dt.date
    incumbent: str | None
    why: str
    comparison: tuple[str, ...]


def propose_model(
    model_id: str, target: str, lake: Lake, *, as_of: dt.date, why: str, comparison: tuple[str, ...]
) -> Proposal:
    """Let a model that passed the gate wait for a person. Proposing it again while it waits writes nothing.

    One that was rejected waits anew: somebody has trained again and wants to be asked.
    """
    waiting = {each.model_id: each for each in list_waiting(target, lake)}
    if model_id in waiting:
        return waiting[model_id]
    proposal = Proposal(
        target=target,
        model_id=model_id,
        as_of=as_of,
        incumbent=champion(target, lake),
        why=why,
        comparison=comparison,
    )
    lake.write_json(_key(target, model_id), proposal.model_dump(mode="json"))
    return proposal


def list_waiting(target: str, lake: Lake) -> tuple[Proposal, ...]:
    """Return the proposals that nobody has decided about and that still speak of the champion in use, by day."""
    in_use = champion(target, lake)
    found = [
        Proposal.model_validate(lake.read_json(item.key))
        for item in lake.store.list_keys(f"registry/{target}/proposals/")
    ]
    waiting = [each for each in found if each.incumbent == in_use]
    return tuple(sorted(waiting, key=lambda each: (each.as_of, each.model_id)))


def find_waiting(target: str, lake: Lake, model_id: str | None = None) -> Proposal:
    """Return the proposal that is meant, ``model_id`` or the only one; ``PermanentError`` if it is not clear which."""
    waiting = list_waiting(target, lake)
    meant = [each for each in waiting if model_id in (None, each.model_id)]
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise PermanentError(
            f"No model {model_id or f'of {target}'} waits for approval: nobody has proposed it, somebody has decided, "
            "or the champion it was compared with is no longer in use. Nothing was changed. To have a new one "
            "proposed: prefail train --as-of DAY, with [approval] promotion = true.",
            target=target,
            model_id=model_id,
        )
    raise PermanentError(
        f"{len(meant)} models of {target} wait for approval: {', '.join(each.model_id for each in meant)}. Nothing "
        "was changed. Name one: --model ID",
        target=target,
    )


def settle_proposal(model_id: str, answer: Answer, lake: Lake) -> LedgerEntry:
    """Write the answer about a waiting model into the ledger, with who gave it. The same answer twice is one.

    ``PermanentError`` where the model does not wait: then nothing was changed.
    """
    target = load_card(model_id, lake).target
    entries = read_ledger(target, lake)
    is_waiting = any(each.model_id == model_id for each in list_waiting(target, lake))
    if not is_waiting and entries and _is_this(entries[-1], model_id, answer):
        return entries[-1]
    proposal = find_waiting(target, lake, model_id)
    write = promote_model if answer.is_approved else reject_model
    verb = "approved" if answer.is_approved else "not approved"
    entry = write(
        model_id,
        target,
        lake,
        who=answer.by_whom,
        why=f"{verb}; the gate says: {proposal.why}",
        as_of=proposal.as_of,
        comparison=proposal.comparison,
    )
    # Last: killed before this, a promoted model's proposal no longer speaks of the champion, and a rejected
    # one's is asked about again.
    lake.store.delete(_key(target, model_id))
    return entry


def _is_this(entry: LedgerEntry, model_id: str, answer: Answer) -> bool:
    event = "promoted" if answer.is_approved else "rejected"
    return (entry.event, entry.model_id, entry.who) == (event, model_id, answer.by_whom)


def _key(target: str, model_id: str) -> str:
    return f"registry/{target}/proposals/{model_id}.json"

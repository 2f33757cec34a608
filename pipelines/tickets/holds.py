"""When an entry becomes a ticket and when it waits: the rules in their order, which is the policy."""

from collections.abc import Callable, Sequence

from pipelines.tickets import key_rules, policy_rules
from pipelines.tickets.plan import Hold
from pipelines.tickets.policy import Candidate

Rule = Callable[[Candidate], tuple[Hold, str] | None]

# What speaks against a ticket for this part, whatever else is opened today.
OWN_RULES: tuple[Rule, ...] = (
    key_rules.hold_declined,
    key_rules.hold_deleted,
    policy_rules.hold_silenced,
    key_rules.hold_snoozed,
    key_rules.hold_older_than_visit,
    key_rules.hold_nothing_new,
    policy_rules.hold_below_minimum,
    policy_rules.hold_not_worth_it,
    policy_rules.hold_frozen,
)
# How many tickets are new today, of parts and of shared causes alike.
BUDGET_RULES: tuple[Rule, ...] = (
    policy_rules.hold_over_site_budget,
    policy_rules.hold_on_cold_start,
    policy_rules.hold_over_budget,
    # The last: only what would get a ticket otherwise is worth a question.
    policy_rules.hold_not_approved,
)
# What is left of today's room, after the tickets that came first.
ROOM_RULES: tuple[Rule, ...] = (
    policy_rules.hold_without_spare,
    policy_rules.hold_group_full,
    *BUDGET_RULES,
)


def find_hold(
    candidate: Candidate, rules: Sequence[Rule] = OWN_RULES + ROOM_RULES
) -> tuple[Hold, str] | None:
    """Return the first rule's reason why the candidate gets no ticket today, null if it gets one.

    The reason names the policy that spoke: its version is the user's, its digest what it said.
    """
    for rule in rules:
        if held := rule(candidate):
            return held[0], f"{held[1]} ({candidate.policy.document.label})"
    return None

"""What a person reads when a contract stops a day."""

from data_contracts.model import Contract, Severity
from pipelines.errors import ContractBlockedError
from pipelines.verdicts import RuleOutcome, RuleResult, Verdict

_MOST_LINES = 12
_STEP_OF_LAYER = {"raw": "ingest", "core": "build"}
_STEP_OF_DATASET = {
    "raw_outcomes": "outcomes collect",
    "out_predictions": "score",
    "out_at_risk_hosts": "publish",
}


def blocked_error(contract: Contract, verdict: Verdict, rows_uri: str | None) -> ContractBlockedError:
    """Return the error that names the rules, how many rows break them, where those are, and what to do."""
    broken = [
        result for result in verdict.broken_rules if result.severity is not Severity.WARN or _crashed(result)
    ]
    lines = [f"  - {_describe(result, verdict.n_rows)}" for result in broken[:_MOST_LINES]]
    if len(broken) > _MOST_LINES:
        lines.append(f"  - … and {len(broken) - _MOST_LINES} more, see its verdict")
    rules = "\n".join(lines)
    dataset, day = contract.dataset, verdict.day
    step = _STEP_OF_DATASET.get(dataset) or _STEP_OF_LAYER.get(dataset.partition("_")[0], "ingest")
    where = f"Rows at fault: {rows_uri}" if rows_uri else "No single row is at fault."
    plural = "rule" if len(broken) == 1 else "rules"
    return ContractBlockedError(
        f"{dataset} of {day} breaks {len(broken)} {plural} of its contract:\n{rules}\n"
        f"Nothing was published. {where}\n"
        f"Fix the source or data_contracts/{dataset}.odcs.yaml, then re-run that day: prefail {step} --day {day}",
        dataset=dataset,
        day=day.isoformat(),
        part=verdict.part,
        rules=tuple(result.rule for result in broken),
        n_rows=verdict.n_rows,
        rows_uri=rows_uri,
    )


def _crashed(result: RuleResult) -> bool:
    return result.result is RuleOutcome.COULD_NOT_RUN


def _describe(result: RuleResult, n_rows: int) -> str:
    if _crashed(result):
        return f"{result.claim}: could not run ({result.detail})"
    if result.detail:
        return f"{result.claim}: {result.detail}"
    examples = f" (e.g. {', '.join(result.examples[:3])})" if result.examples else ""
    return f"{result.claim}: {result.n_rows_at_fault:,} of {n_rows:,} rows{examples}"

"""A report made by hand: every part of the page is there, and the values are known."""

import datetime as dt
import math

from features.evidence import Reason
from pipelines.realised_rates import RateScope, RealisedRate, RealisedRates
from pipelines.report.content import (
    Abstention,
    AbstentionCount,
    BudgetFigures,
    ContractOutcome,
    ListEntry,
    LogExcerpt,
    LogLine,
    Report,
    ScorerDescription,
    Series,
)

DAY = dt.date(2026, 2, 1)
N_DAYS = 90


def days(count: int = N_DAYS) -> tuple[dt.date, ...]:
    return tuple(DAY - dt.timedelta(days=count - 1 - index) for index in range(count))


def reason(
    signal: str = "pending_sectors", label: str = "Sectors waiting to be remapped", **changes: object
) -> Reason:
    values: dict[str, object] = {
        "unit": "sectors",
        "now": 48.0,
        "before_7d": 8.0,
        "before_30d": 0.0,
        "percentile": 99.8,
        "contribution": 2.31,
    }
    return Reason(signal=signal, label=label, **{**values, **changes})


def entry(rank: int = 1, **changes: object) -> ListEntry:
    pending = tuple(0.0 if i < 70 else float((i - 69) ** 2 // 8) for i in range(N_DAYS))
    uncorrectable = tuple(None if 40 <= i < 46 else float(i // 30) for i in range(N_DAYS))
    celsius = tuple(31.0 + round(3 * math.sin(i / 6 + rank), 1) for i in range(N_DAYS))
    values: dict[str, object] = {
        "rank": rank,
        "host_id": f"storage-{rank % 7:02d}.example.net",
        "host_risk": 0.47 / rank,
        "component_id": f"Z3025ABC{rank:02d}",
        "component_kind": "drive",
        "model": "ST3000DM001",
        "slot": f"{rank}",
        "rack": "R12",
        "site": "ams1",
        "target": "drive_fails_30d",
        "model_id": "drive_fails_30d-2026-01-01-1f0c6a9b",
        "risk": 0.43 / rank,
        "due_day": DAY + dt.timedelta(days=8),
        "check_first": "Copy off what has no second copy, then run a long self-test; replace it if a read fails.",
        "reasons": (
            reason(),
            reason(
                "reported_uncorrectable",
                "Uncorrectable errors reported",
                unit="errors",
                now=2.0,
                before_7d=2.0,
            ),
            reason(
                "temperature_celsius",
                "Temperature",
                unit="°C",
                now=33.5,
                before_7d=34.1,
                before_30d=None,
                percentile=71.2,
                contribution=0.04,
            ),
        ),
        "signal_series": (
            Series(label="Sectors waiting to be remapped", unit="sectors", days=days(), values=pending),
            Series(label="Uncorrectable errors reported", unit="errors", days=days(), values=uncorrectable),
            Series(label="Temperature", unit="°C", days=days(), values=celsius),
        ),
        "risk_series": Series(
            label="Risk", unit="", days=days(31), values=tuple(0.43 / rank * (i / 30) ** 3 for i in range(31))
        ),
        "scored_by": "scored by a model trained on what was known by 2026-01-01",
        "log": LogExcerpt(
            about="this drive",
            n_days=30,
            lines=(
                log_line("[sdc] Unrecovered read error at sector 7814037160", severity="error", count=1204),
                log_line("ata5.00: failed command: READ FPDMA QUEUED"),
            ),
            n_left_out=3,
        ),
    }
    return ListEntry(**{**values, **changes})


def log_line(text: str, **changes: object) -> LogLine:
    values: dict[str, object] = {
        "severity": "warning",
        "count": 7,
        "first_at": dt.datetime(2026, 1, 20, 4, 5, 59, tzinfo=dt.UTC),
        "last_at": dt.datetime(2026, 2, 1, 23, 59, tzinfo=dt.UTC),
    }
    return LogLine(text=text, **{**values, **changes})


def rate(scope: RateScope = RateScope.ALL, name: str = "", **changes: int | float | None) -> RealisedRate:
    values: dict[str, int | float | None] = {
        "n_closed": 40,
        "n_confirmed": 17,
        "n_no_fault_found": 8,
        "n_fixed": 5,
        "n_declined": 4,
        "n_uncertain": 3,
        "n_unknown": 3,
        "n_recent": 20,
        "n_recent_confirmed": 13,
        "median_lead_days": 11.5,
    }
    return RealisedRate.model_validate({"scope": scope, "name": name, **values, **changes})


def report(n_entries: int = 12, **changes: object) -> Report:
    values: dict[str, object] = {
        "environment": "demo",
        "day": DAY,
        "list_length": 20,
        "minimum_risk": 0.02,
        "scorers": (
            ScorerDescription(
                target="drive_fails_30d",
                question="the drive fails in (day + 1, day + 30]",
                model_id="drive_fails_30d-2026-01-01-1f0c6a9b",
                scored_by="scored by a model trained on what was known by 2026-01-01",
                trained_as_of=dt.date(2026, 1, 1),
                rule="SMART 5, 187 or 197 changed in the last 7 days, then 30",
                figures=(
                    BudgetFigures(
                        budget=10, precision=0.34, recall=0.17, rule_precision=0.287, rule_recall=0.144
                    ),
                    BudgetFigures(
                        budget=20, precision=0.275, recall=0.275, rule_precision=0.255, rule_recall=0.256
                    ),
                ),
                silent_share=0.49,
            ),
        ),
        "contracts": (
            ContractOutcome(
                dataset="raw_drive_smart",
                verdict="quarantined",
                detail="14 of 9,120 rows",
                link="../../x.html",
            ),
            ContractOutcome(dataset="core_drive_days", verdict="passed", detail="9,106 rows", link=None),
        ),
        "data_docs_link": "../../../data_docs/index.html",
        "plan_link": "../day=2026-02-01/plan.html",
        "outages": (),
        "realised": RealisedRates(
            day=DAY - dt.timedelta(days=1),
            first_day=DAY - dt.timedelta(days=200),
            rates=(rate(), rate(RateScope.SITE, "ams1")),
        ),
        "entries": tuple(entry(rank) for rank in range(1, n_entries + 1)),
        "risks": (*(10 ** (-4.8 + 3.1 * (i * 7919 % 1000) / 1000) for i in range(9000)), 0.43, 0.2, 0.14),
        "abstention_counts": (
            AbstentionCount(reason="too_short_history", count=41),
            AbstentionCount(reason="stale", count=3),
        ),
        "abstentions": tuple(
            Abstention(
                host_id=f"web-{i:02d}",
                component_id=f"NEW{i:04d}",
                component_kind="drive",
                model="HMS5C4040",
                reason="too_short_history",
            )
            for i in range(44)
        ),
        "code_version": "0.1.0+src.0123456789ab",
    }
    return Report(**{**values, **changes})

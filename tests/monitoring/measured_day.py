"""A lake that holds of one day all that figures are read from, made by hand."""

import datetime as dt
from pathlib import Path

import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.shards import component_keys
from pipelines.lake import Lake
from pipelines.monitoring.findings import DriftReport, ScoreState, SignalPsi, write_drift_report
from pipelines.realised_rates import RateScope, RealisedRate, RealisedRates, write_realised_rates
from pipelines.run_record import run_recorded
from pipelines.settings import Settings, SourceSettings
from pipelines.step_facts import StepFacts
from pipelines.ticket_settings import TicketSettings
from pipelines.tickets.record import TicketRecord, write_record
from pipelines.tickets.tracker import Draft
from pipelines.tickets.trackers.desk import Desk
from pipelines.verdicts import RuleOutcome, RuleResult, Verdict, VerdictWord, write_verdict
from tests.hand_made_findings import make_finding

DAY = dt.date(2026, 2, 1)
MATURE = DAY - dt.timedelta(days=30)
TARGET = "drive_fails_30d"
DRIVES = tuple(f"Z{n:02d}" for n in range(10))


def make_settings(folder: Path) -> Settings:
    return Settings(
        environment="test",
        targets=(TARGET,),
        sources=(
            SourceSettings(name="drives", kind="drive_stats"),
            SourceSettings(name="ipmi", kind="ipmi_sel"),
            SourceSettings(name="never", kind="kernel_log"),
        ),
        tickets=TicketSettings(desk_path=str(folder / "desk.sqlite")),
    )


def fill(lake: Lake, settings: Settings) -> None:
    """Write the day: 8 of 10 drives scored, 2 listed, a source down, a finding, three open tickets."""
    _write_verdict(lake, "raw_drive_smart", "drives", VerdictWord.QUARANTINED, n_quarantined=2)
    _write_verdict(lake, "raw_inventory", "cmdb", VerdictWord.BLOCKED)
    lake.write_json(f"ingested/day={DAY}/part-drives.json", {})
    lake.write_json(f"ingested/day={DAY - dt.timedelta(days=2)}/part-ipmi.json", {})
    for day in (MATURE, DAY):
        lake.write_day("out_predictions", day, _predictions(day))
        lake.write_day("out_at_risk_hosts", day, _list(day))
    # Z00 is listed and fails in time, Z01 within the lead time, Z05 is not listed.
    for drive, after in (("Z00", 10), ("Z01", 1), ("Z05", 30)):
        day = MATURE + dt.timedelta(days=after)
        lake.write_day("core_failures", day, _failure(drive, day))
    write_drift_report(_drift(), lake)
    write_realised_rates(_rates(), DAY, lake)
    run_recorded(
        lambda day, _settings, _lake: StepFacts(step="scored", day=day, facts=(("scored", 8),)),
        DAY,
        settings,
        lake,
    )
    desk = Desk(settings.tickets.desk_path)
    for drive, age in (("Z00", 3), ("Z01", 12), ("Z02", 45)):
        record = _record(drive, DAY - dt.timedelta(days=age))
        desk.create(Draft(title=drive, body=write_record(record), record=record))


def _write_verdict(lake: Lake, dataset: str, part: str, word: VerdictWord, *, n_quarantined: int = 0) -> None:
    rule = RuleResult(rule="r", claim="c", severity="block", result=RuleOutcome.PASSED)
    verdict = Verdict(
        dataset=dataset,
        day=DAY,
        part=part,
        verdict=word,
        n_rows=10,
        n_quarantined=n_quarantined,
        usual_rows=None,
        contract_version="1.0.0",
        contract_sha256="0",
        rules=(rule,),
    )
    write_verdict(lake, verdict)


def _predictions(day: dt.date) -> pa.Table:
    risks = [0.5, 0.4, *([0.1] * 6), None, None]
    return _table(
        "out_predictions",
        component_id=list(DRIVES),
        component_kind=["drive"] * 10,
        host_id=["h"] * 10,
        model=["M"] * 10,
        target=[TARGET] * 10,
        day=[day.isoformat()] * 10,
        risk=risks,
        rank=[None if risk is None else n + 1 for n, risk in enumerate(risks)],
        abstention_reason=[None if risk else "source_down" for risk in risks],
        model_id=[f"rule:{TARGET}"] * 10,
    )


def _list(day: dt.date) -> pa.Table:
    return _table(
        "out_at_risk_hosts",
        rank=[1, 2],
        host_id=["h1", "h2"],
        host_risk=[0.5, 0.4],
        component_id=["Z00", "Z01"],
        component_kind=["drive"] * 2,
        model=["M"] * 2,
        target=[TARGET] * 2,
        risk=[0.5, 0.4],
        due_day=[day.isoformat()] * 2,
        check_first=["cable"] * 2,
        evidence=["[]"] * 2,
        model_id=["m"] * 2,
        scored_by=["a rule"] * 2,
        day=[day.isoformat()] * 2,
    )


def _failure(drive: str, day: dt.date) -> pa.Table:
    return _table(
        "core_failures",
        component_id=[drive],
        component_key=component_keys([drive]).tolist(),
        component_kind=["drive"],
        model=["M"],
        host_id=["h"],
        failure_source=["drives"],
        is_confirmed=[True],
        known_at=[dt.datetime.combine(day, dt.time(23), dt.UTC)],
    )


def _table(dataset: str, **columns: list[object]) -> pa.Table:
    schema = schema_of(load_contract(dataset))
    n = len(next(iter(columns.values())))
    arrays = [pa.array(columns.get(field.name, [None] * n), field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _drift() -> DriftReport:
    finding = make_finding(subject="M2", size=0.2, since=DAY, words="M2 is new.")
    return DriftReport(
        day=DAY,
        findings=(finding,),
        signals=(SignalPsi(component_kind="drive", signal="power_on_hours", model="M", psi=0.07),),
        scores=(
            ScoreState(
                target=TARGET, model_id="m", psi=0.03, abstained_share=0.2, usual_abstained_share=None
            ),
        ),
        n_reference_days={"drive": 27},
    )


def _rates() -> RealisedRates:
    rate = RealisedRate(
        scope=RateScope.ALL,
        name="",
        n_closed=30,
        n_confirmed=18,
        n_no_fault_found=6,
        n_fixed=1,
        n_declined=1,
        n_uncertain=2,
        n_unknown=2,
        n_recent=20,
        n_recent_confirmed=15,
        median_lead_days=6.0,
    )
    return RealisedRates(day=DAY, first_day=MATURE, rates=(rate,))


def _record(drive: str, day: dt.date) -> TicketRecord:
    return TicketRecord(
        environment="test",
        host_id="h",
        component_id=drive,
        component_kind="drive",
        target=TARGET,
        slot=None,
        opened_day=day,
        opened_model_id="m",
        opened_list_manifest=None,
        list_day=day,
        list_manifest=None,
        model_id="m",
        last_listed_day=day,
        due_day=day + dt.timedelta(days=7),
        told_risk=0.5,
        told_signals=(),
    )

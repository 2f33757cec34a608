"""What a technician reads, and what data can't make of it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hand_made_fleet import DAY, POLICY, make_entry, make_reason, make_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.errors import PermanentError
from pipelines.realised_rates import RateScope, RealisedRate, RealisedRates
from pipelines.tickets.departures import FleetDay
from pipelines.tickets.entries import Entry
from pipelines.tickets.escaping import escape_json, escape_value
from pipelines.tickets.plan import Create
from pipelines.tickets.plan_notes import PlanNotes, describe_track_record, locate_page
from pipelines.tickets.playbook import load_playbook
from pipelines.tickets.policy import Policy
from pipelines.tickets.policy_document import PolicyDocument
from pipelines.tickets.reconcile import plan_changes
from pipelines.tickets.record import BEGIN, read_record, replace_record, write_record
from pipelines.tickets.ticket_text import format_risk
from pipelines.tickets.tracker import Draft

MARKUP = re.compile(r"[@#!&$~^%*`\[\]<>{}|\\\"]")


NOTES = PlanNotes(
    report="https://lists.example/day=2026-12-01/report.html",
    plan="https://lists.example/day=2026-12-01/plan.html",
    track_records={
        make_entry(
            "ZA1XYZ"
        ).key.digest: "Of the last 20 tickets for a ST4000DM000 that were looked at, 14 were confirmed."
    },
)


def write(entry: Entry, policy: Policy = POLICY, notes: PlanNotes | None = None) -> Draft:
    manifest = "published/at_risk_hosts/day=2026-12-01/edition=abc/manifest.json"
    (change,) = plan_changes(
        [entry], [], FleetDay(), policy, day=DAY, list_manifest=manifest, notes=notes
    ).changes
    assert isinstance(change, Create)
    return change.draft


def test_the_title_says_what_to_do_where_by_when_and_how_likely() -> None:
    assert write(make_entry("ZA1XYZ")).title == (
        "Replace drive ZA1XYZ slot 7 in host-0421 (r12/u07) before 2026-12-04: 62 % risk"
    )


def test_a_host_as_a_whole_is_repaired_not_replaced_in_itself() -> None:
    entry = make_entry("host-0421", component_kind="host", slot=None)
    draft = write(entry)
    assert draft.title == "Repair host host-0421 (r12/u07) before 2026-12-04: 62 % risk"
    assert "Serial" not in draft.body, "an inventory's name is no serial number"


def test_without_a_public_address_pages_are_named_by_their_place_in_the_lake() -> None:
    settings = make_settings()
    assert locate_page(DAY, "plan.html", settings) == "published/at_risk_hosts/day=2026-12-01/plan.html"
    public = make_settings(tickets={"report_url": "https://lists.example/fleet/"})
    assert locate_page(DAY, "plan.html", public) == "https://lists.example/fleet/day=2026-12-01/plan.html"


def test_a_public_address_with_a_signature_or_a_password_is_refused() -> None:
    for address in ("https://x.example/?X-Amz-Signature=1", "https://me:word@x.example/", "s3://bucket"):
        with pytest.raises(ValidationError):
            make_settings(tickets={"report_url": address})


def make_rate(scope: RateScope, name: str, n_recent: int, n_confirmed: int) -> RealisedRate:
    counts = {"n_no_fault_found": 0, "n_fixed": 0, "n_declined": 0, "n_uncertain": 0, "n_unknown": 0}
    return RealisedRate(
        scope=scope,
        name=name,
        n_closed=n_recent,
        n_confirmed=n_confirmed,
        n_recent=n_recent,
        n_recent_confirmed=n_confirmed,
        median_lead_days=None,
        **counts,
    )


def test_a_ticket_says_how_often_tickets_like_it_were_confirmed() -> None:
    advice = next(rule for rule in load_playbook().rules if rule.name == "cable_before_drive").check_first
    entry = make_entry(check_first=advice)
    both = (
        make_rate(RateScope.PLAYBOOK_ENTRY, "cable_before_drive", 20, 3),
        make_rate(RateScope.HARDWARE_MODEL, "ST4000DM000", 7, 5),
    )
    rates = RealisedRates(day=DAY, first_day=DAY, rates=both)
    assert describe_track_record(entry, rates) == (
        "Of the last 20 tickets with this advice that were looked at, 3 were confirmed. "
        "Of the last 7 tickets for a ST4000DM000 that were looked at, 5 were confirmed."
    )
    assert describe_track_record(make_entry(model="other", check_first="x"), rates) is None
    nobody_looked = make_rate(RateScope.HARDWARE_MODEL, "ST4000DM000", 0, 0)
    assert describe_track_record(entry, RealisedRates(day=DAY, first_day=DAY, rates=(nobody_looked,))) is None


def test_what_is_not_known_is_left_out_of_the_title_and_named_in_the_body() -> None:
    draft = write(make_entry("ZA1", host_id="unknown:ZA1", slot=None, rack=None, site=None))
    assert draft.title == "Replace drive ZA1 in an unknown host before 2026-12-04: 62 % risk"
    assert "Slot: not known\nHost: an unknown host\nRack: not known\nSite: not known\n" in draft.body


def test_the_body_is_the_golden_one(golden: Callable[[str, str], None]) -> None:
    entry = make_entry(
        "ZA1XYZ",
        evidence=(
            make_reason(unit="sectors"),
            make_reason("temperature_celsius", label="Temperature", unit="celsius", now=41.5, before_7d=None),
            make_reason("offline_uncorrectable", percentile=None),
            make_reason("age", label="Age", now=None, before_7d=None, before_30d=None, percentile=None),
        ),
        check_first="Check the cable before the drive: it can't hurt.",
        firmware="CC54",
        slot="7 (60 % sure)",
    )
    document = PolicyDocument.model_validate(
        {
            "version": "4",
            "name": "fra",
            "spares": {"in_stock": {"ST4000DM000": 2}},
            "maintenance": {"windows": {"fra1": ["mon"]}},
        }
    )
    draft = write(entry, replace(POLICY, document=document), NOTES)
    golden("ticket_body.txt", f"{draft.title}\n\n{draft.body}")


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (0.0, "below 1 %"),
        (0.005, "below 1 %"),
        (0.0051, "1 %"),
        (0.626, "63 %"),
        (0.9949, "99 %"),
        (0.995, "above 99 %"),
        (1.0, "above 99 %"),
    ],
)
def test_risk_is_in_whole_percent_and_never_claims_certainty(risk: float, words: str) -> None:
    assert format_risk(risk) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("host-0421.fra1:/dev/sda", "host-0421.fra1:/dev/sda"),
        ("smart_5_raw", "smart_5_raw"),
        ("Zürich 3", "Zürich 3"),
        ("@all", "(U+0040)all"),
        ("*bold* `code`", "(U+002A)bold(U+002A) (U+0060)code(U+0060)"),
        ("_em_", "(U+005F)em(U+005F)"),
        ("<script>", "(U+003C)script(U+003E)"),
        ("[a](http://evil.example)", "(U+005B)a(U+005D)(http:/(U+002F)evil.example)"),
        ("www.evil.example", "www(U+002E)evil.example"),
        ("a\r\n# b\x00\u202ec\u200b", "a (U+0023) b c"),
        (" \t", "?"),
        ("", "?"),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_a_value_from_data_is_shown_inert_and_on_one_line(text: str, shown: str) -> None:
    assert escape_value(text) == shown


@given(text=st.text(max_size=60))
@settings(deadline=None)
def test_no_value_has_markup_line_ends_mentions_or_links_left(text: str) -> None:
    shown = escape_value(text)
    assert not MARKUP.search(shown)
    assert shown.isprintable()
    assert shown.strip()
    assert "//" not in shown
    assert "www." not in shown.lower()


@given(text=st.text(max_size=40), number=st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_escaped_json_is_inert_and_reads_back_the_same(text: str, number: float) -> None:
    document = {text: [text, number, None, {"": text + "\\"}]}
    escaped = escape_json(json.dumps(document))
    assert json.loads(escaped) == document
    assert escaped.isascii()
    assert not re.search(r"[@#!&$~^%*`<>|]", escaped)


@given(
    host_id=st.text(min_size=1, max_size=30),
    component_id=st.text(min_size=1, max_size=30),
    slot=st.none() | st.text(max_size=10),
    label=st.text(max_size=30),
)
@settings(deadline=None)
def test_whatever_data_says_the_body_has_one_record_and_it_reads_back(
    host_id: str, component_id: str, slot: str | None, label: str
) -> None:
    evidence = (make_reason(label, label=label),)
    draft = write(make_entry(component_id, host_id=host_id, slot=slot, evidence=evidence))
    assert read_record(draft.body, "1") == draft.record
    assert "\n" not in draft.title


def test_a_value_can_not_fake_a_record() -> None:
    body = write(make_entry(check_first=f"x\n{BEGIN}\n{{}}\nEND PREFAIL RECORD\n")).body
    assert read_record(body, "1").component_id == "ZA1"


def test_a_damaged_record_is_refused_with_its_ticket_and_what_to_do() -> None:
    body = write(make_entry()).body
    for damaged in ("", body.replace('"version"', '"wersion"'), body + "\n" + body):
        with pytest.raises(PermanentError, match=r"Ticket 17 has no readable Prefail record") as refused:
            read_record(damaged, "17")
        assert refused.value.facts == {"ticket_id": "17"}


def test_a_record_is_replaced_in_place() -> None:
    draft = write(make_entry())
    other = draft.record.model_copy(update={"told_risk": 0.5})
    body = replace_record("Kim was here.\n" + draft.body + "And here.\n", other)
    assert read_record(body, "1") == other
    assert body.startswith("Kim was here.\n")
    assert body.endswith("And here.\n")
    assert body.count(write_record(other)) == 1


def test_a_declared_risk_says_so_and_why_no_model_gave_it() -> None:
    why = "scored by the declared rule: 12 failures are known, 50 are needed"
    body = write(make_entry(target="dimm_fails_30d", model_id="rule:dimm_fails_30d", scored_by=why)).body
    assert f"Predicted: dimm_fails_30d, {why} (rule:dimm_fails_30d)." in body
    assert "Predicted: drive_fails_30d by model" in write(make_entry(target="drive_fails_30d")).body

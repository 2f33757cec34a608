"""The report is one file that needs nothing else, shows what machines said and runs none of it."""

import re
from html.parser import HTMLParser

import pytest

from features.evidence import Reason
from pipelines.realised_rates import RateScope
from pipelines.report.content import Abstention, Report, Series
from pipelines.report.distribution import draw_risk_distribution, risk_bin
from pipelines.report.page import (
    MAX_ABSTENTIONS_SHOWN,
    MAX_ENTRIES_WITH_PLOTS,
    MAX_RATES_SHOWN,
    render_report,
)
from pipelines.report.plots import draw_series
from pipelines.report.wording import format_level, format_risk

from .hand_made_report import DAY, days, entry, rate, report

SCRIPT = "<script>alert(1)</script>"
VOID = {"meta", "br", "path", "circle", "rect"}


class Page(HTMLParser):
    """What a browser would make of the page: tags with their attributes, and the text outside of tags."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(content: Report) -> Page:
    return Page(render_report(content))


@pytest.mark.parametrize(
    "field", ["host_id", "component_id", "component_kind", "model", "slot", "rack", "site", "check_first"]
)
def test_a_script_in_a_name_is_shown_and_never_run(field: str) -> None:
    page = page_of(report(1, entries=(entry(1, **{field: SCRIPT}),)))
    assert "script" not in {tag for tag, _ in page.tags}
    assert SCRIPT in page.text


def test_a_script_in_a_signal_reaches_neither_table_nor_plot() -> None:
    reason = Reason(
        signal="x", label=SCRIPT, unit='"><img src=x>', now=1.0, before_7d=None, before_30d=None, percentile=None,
        contribution=1.0,
    )  # fmt: skip
    series = Series(label=SCRIPT, unit='"><img src=x>', days=days(3), values=(0.0, 1.0, 2.0))
    page = page_of(report(1, entries=(entry(1, reasons=(reason,), signal_series=(series,)),)))
    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.tags)


def test_no_attribute_loads_or_runs_anything() -> None:
    page = page_of(report())
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "use", "image", "base"}
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "srcset"}]
        if tag == "a":
            assert not re.match(r"[a-z]+:", attributes["href"] or "", re.IGNORECASE), attributes
    assert b"url(" not in render_report(report())
    assert b"@import" not in render_report(report())


def test_the_page_is_well_formed_and_its_links_lead_somewhere() -> None:
    page = page_of(report())
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert {link for link in links if link and link.startswith("#")} <= {f"#{name}" for name in ids}


def test_the_same_report_gives_the_same_bytes() -> None:
    assert render_report(report()) == render_report(report())


def test_every_entry_says_part_risk_reason_and_what_to_do() -> None:
    text = page_of(report(2)).text
    for said in (
        "12 components on",
        "rack R12, slot 1",
        "Check first: Copy off what has no second copy",
        "48 8 (+40) 0 (+48) 99.8 +2.31",
        "risk 43 %, due 2026-02-09",
    ):
        assert said in (page_of(report()).text if said.startswith("12") else text), said


def test_the_model_is_judged_beside_the_rule_and_the_silent_share_is_said() -> None:
    text = page_of(report()).text
    assert "20 28 % 28 % 26 % 26 %" in text
    assert "49 % of the components that failed had shown no bad counter" in text


def test_a_list_without_figures_says_so() -> None:
    (scorer,) = report().scorers
    bare = type(scorer)(
        **{
            **{name: getattr(scorer, name) for name in scorer.__dataclass_fields__},
            "figures": (),
            "silent_share": None,
        }
    )
    assert "No evaluation is stored with it" in page_of(report(scorers=(bare,))).text


def test_an_empty_list_is_a_page_that_says_so() -> None:
    text = page_of(report(0)).text
    assert "Nothing to do: no component reaches a risk of 2.0 %." in text


def test_a_day_without_abstentions_says_that_all_were_scored() -> None:
    text = page_of(report(1, abstention_counts=(), abstentions=())).text
    assert "Every component of the day was scored." in text


def test_a_long_list_stays_below_two_megabytes_and_says_what_it_left_out() -> None:
    many = report(
        1000,
        list_length=1000,
        abstentions=report().abstentions * 100,
        abstention_counts=(type(report().abstention_counts[0])(reason="stale", count=4400),),
    )
    page = render_report(many)
    assert len(page) < 2_000_000
    assert page.count(b'<div class="plots">') == MAX_ENTRIES_WITH_PLOTS
    assert f"The first {MAX_ABSTENTIONS_SHOWN} of 4,400" in Page(page).text


def test_a_gap_in_reports_is_a_gap_in_the_line() -> None:
    series = Series(label="x", unit="", days=days(6), values=(1.0, 1.0, None, None, 2.0, 2.0))
    path = re.search(r'class="line" d="([^"]+)"', str(draw_series(series)))
    assert path is not None
    assert path[1].count("M") == 2


def test_a_signal_that_was_never_reported_has_words_instead_of_a_plot() -> None:
    assert "never reported" in draw_series(
        Series(label="x", unit="", days=days(3), values=(None, None, None))
    )


def test_a_level_that_never_moved_is_drawn_as_a_level_line() -> None:
    drawn = str(draw_series(Series(label="x", unit="", days=days(3), values=(7.0, 7.0, 7.0))))
    assert "V" not in re.findall(r'class="line" d="([^"]+)"', drawn)[0]


def test_the_planning_board_beside_the_report_is_linked_from_its_head() -> None:
    page = page_of(report())
    assert ("a", {"href": "../day=2026-02-01/plan.html"}) in page.tags
    assert page.text.index("Planning board") < page.text.index("The list")


def test_what_was_not_delivered_is_said_above_the_list() -> None:
    outage = f"source {SCRIPT} delivered nothing of 2026-02-01 (last: 2026-01-31): 312 DIMMs abstained"
    page = page_of(report(outages=(outage,)))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.index(outage) < page.text.index("The list")


def test_a_kind_of_part_is_named_as_on_the_box_wherever_it_stands() -> None:
    modules = tuple(entry(rank, component_kind="dimm", host_id="web-1") for rank in (1, 2))
    left_out = Abstention(
        host_id="web-2", component_id="M9", component_kind="gpu", model="A100", reason="source_down"
    )
    text = page_of(report(2, entries=modules, abstentions=(left_out,))).text
    assert "web-1: DIMM Z3025ABC01" in text
    assert "also on this host: DIMM at rank 2" in text
    assert "GPU M9" in text
    assert not re.search(r"\b(dimm|gpu) ", text)


def test_log_lines_stand_with_severity_count_and_times() -> None:
    text = page_of(report(1)).text
    assert "What the log said of this drive in the last 30 days" in text
    line = "[sdc] Unrecovered read error at sector 7814037160 error 1,204 2026-01-20 04:05 2026-02-01 23:59"
    assert line in text
    assert "3 more of other words are in raw_hw_events of those days." in text


def test_an_entry_whose_host_has_no_known_log_line_says_nothing_of_logs() -> None:
    assert "What the log said" not in page_of(report(1, entries=(entry(1, log=None),))).text


def test_realised_rates_stand_with_the_range_of_their_share() -> None:
    text = page_of(report(1)).text
    assert "Tickets closed from 2025-07-16 to 2026-01-31." in text
    assert "all 40 17 8 5 4 6 68 % (48 % to 83 %) 11.5" in text
    assert "site ams1 40 17" in text


def test_rates_nobody_could_judge_have_a_dash_and_no_rates_no_section() -> None:
    rates = report().realised.model_copy(
        update={"rates": (rate(n_confirmed=0, n_no_fault_found=0, median_lead_days=None),)}
    )
    assert "all 40 0 0 5 4 6 – –" in page_of(report(1, realised=rates)).text
    none = report().realised.model_copy(update={"rates": ()})
    assert "What became of earlier tickets" not in page_of(report(1, realised=none)).text


def test_only_the_rates_of_most_tickets_are_shown_and_the_page_says_so() -> None:
    sites = tuple(rate(RateScope.SITE, f"<b>site-{i:02d}", n_closed=i) for i in range(60))
    realised = report().realised.model_copy(update={"rates": sites})
    page = page_of(report(1, realised=realised))
    assert "b" not in {tag for tag, _ in page.tags}
    assert "<b>site-59" in page.text
    assert "<b>site-01" not in page.text
    assert f"The {MAX_RATES_SHOWN} with the most tickets" in page.text


def test_each_target_says_what_scored_its_components() -> None:
    text = page_of(report()).text
    assert "Its components are scored by a model trained on what was known by 2026-01-01 (" in text


@pytest.mark.parametrize(
    ("risk", "expected"), [(0.0, 0), (1e-9, 0), (1.1e-5, 0), (0.0099, 8), (0.5, 14), (1.0, 14)]
)
def test_every_risk_has_a_bar(risk: float, expected: int) -> None:
    assert risk_bin(risk) == expected


def test_bars_count_every_component_once() -> None:
    drawn = str(draw_risk_distribution((0.0, 1e-4, 1e-4, 0.3, 1.0), 0.02, 2))
    counts = [int(number) for number in re.findall(r'text-anchor="middle">(\d+)</text>', drawn)]
    assert sum(counts) == 5


@pytest.mark.parametrize(
    ("risk", "text"),
    [
        (0.43, "43 %"),
        (0.0995, "10 %"),
        (0.042, "4.2 %"),
        (0.00995, "1.0 %"),
        (0.0001, "0.01 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
    ],
)
def test_risks_read_with_two_digits(risk: float, text: str) -> None:
    assert format_risk(risk) == text


def test_unknown_levels_read_as_a_dash() -> None:
    assert [format_level(value) for value in (None, 0.0, 1234.0, 33.55)] == ["–", "0", "1,234", "33.5"]


def test_the_day_of_the_list_is_in_title_and_heading() -> None:
    assert page_of(report()).text.count(f"At-risk hosts, {DAY}") == 1

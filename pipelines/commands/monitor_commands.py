"""``prefail drift | metrics``: what is not as before, and the day's figures for Prometheus."""

import argparse
import math
from pathlib import Path

from pipelines.commands.output import print_line, print_table
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day
from pipelines.errors import ConfigError
from pipelines.run_record import run_recorded
from pipelines.settings import load_settings

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add the two commands."""
    drift = commands.add_parser(
        "drift",
        help="look for inputs and risks that are not as before",
        description="Reads: core_model_population of the last 63 days, ten component-days of each kind, "
        "out_predictions. Writes: monitoring/drift/day=D.json and, where the policy asks for training, "
        "monitoring/retraining/. Says which signal of which hardware model moved, how far and since when.",
    )
    drift.add_argument("--day", metavar="D", required=True, help="one UTC day, YYYY-MM-DD")
    drift.add_argument(
        "--signal",
        metavar="NAME",
        help="print how this signal lies in every hardware model, and write nothing",
    )
    drift.add_argument(
        "--accept", metavar="FINDING", help="let lists out in spite of this finding, for five weeks"
    )
    drift.add_argument("--who", metavar="NAME", help="with --accept: who decided")
    drift.add_argument("--why", metavar="TEXT", help="with --accept: why the list is good as it is")
    drift.add_argument(
        "--gate",
        action="store_true",
        help="as the daily run does before publishing: exit 1 where a finding blocks that nobody accepted",
    )
    drift.set_defaults(run=_run_drift)

    metrics = commands.add_parser(
        "metrics",
        help="write the day's figures for Prometheus",
        description="Reads: what the lake holds of the day, and open tickets. Writes: a textfile for node_exporter, "
        "or the figures on a Pushgateway; without either, prints them. docs/metrics.md explains each. The daily run "
        "writes them where [metrics] of the settings says.",
    )
    metrics.add_argument("--day", metavar="D", required=True, help="one UTC day, YYYY-MM-DD")
    metrics.add_argument(
        "--textfile", metavar="FILE", type=Path, help="replace this .prom file of a textfile collector"
    )
    metrics.add_argument("--pushgateway", metavar="URL", help="send them there")
    metrics.add_argument(
        "--send", action="store_true", help="as the daily run does: to where [metrics] of the settings says"
    )
    metrics.set_defaults(run=_run_metrics)


def _run_drift(arguments: argparse.Namespace) -> int:
    from pipelines.monitoring.drift_gate import accept_finding, check_drift
    from pipelines.monitoring.findings import read_drift_report
    from pipelines.monitoring.watch import watch_day

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    day = parse_day(arguments.day)
    if arguments.signal:
        return _print_signal(arguments)
    if arguments.accept:
        if not (arguments.who and arguments.why):
            raise ConfigError("Say who accepts it and why: --accept FINDING --who NAME --why TEXT.")
        accepted = accept_finding(arguments.accept, day, lake, who=arguments.who, why=arguments.why)
        print_line(f"accepted {accepted.finding_id} from {day} on. Next: prefail publish --day {day}")
        return 0
    look = check_drift if arguments.gate else watch_day
    print_line(run_recorded(look, day, settings, lake).summary)
    for finding in read_drift_report(day, lake).findings:
        print_line(f"{finding.action}: {finding.finding_id}\n  {finding.sentence}")
    return 0


def _print_signal(arguments: argparse.Namespace) -> int:
    from pipelines.monitoring.kinds_watched import list_watched_kinds
    from pipelines.monitoring.signal_drift import find_signal_shifts, read_histograms

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    day = parse_day(arguments.day)
    kinds = [kind for kind in list_watched_kinds(settings) if arguments.signal in kind.signals]
    if not kinds:
        known = sorted({signal for kind in list_watched_kinds(settings) for signal in kind.signals})
        raise ConfigError(f"{arguments.signal!r} is not a signal. Name one of: {', '.join(known)}.")
    rows = [
        (
            kind.kind,
            shift.model,
            shift.n_components,
            None if math.isnan(shift.psi) else round(shift.psi, 3),
            f"{shift.median_before:.4g}",
            f"{shift.median_now:.4g}",
            f"{shift.reported_before:.0%}",
            f"{shift.reported_now:.0%}",
            shift.jump_day,
            "shifted" if shift.is_shifted else "",
        )
        for kind in kinds
        for shift in find_signal_shifts(kind, read_histograms(kind, day, lake), day, settings.drift)
        if shift.signal == arguments.signal
    ]
    print_table(
        f"{arguments.signal} on {day}, against the four weeks before",
        (
            *("kind", "hardware model", "components", "PSI", "median before", "now"),
            *("reported before", "now", "jump", ""),
        ),
        rows,
    )
    return 0


def _run_metrics(arguments: argparse.Namespace) -> int:
    from pipelines.monitoring.exposition import push_figures, render_exposition, write_textfile
    from pipelines.monitoring.measure import measure_day
    from pipelines.monitoring.send_figures import send_figures_day

    settings = load_settings(arguments.config)
    day = parse_day(arguments.day)
    if arguments.send:
        if settings.metrics.textfile is None and settings.metrics.pushgateway is None:
            raise ConfigError(
                "[metrics] names neither a textfile nor a pushgateway. No figure was sent. Set one of them in the "
                f"settings, or name the place: prefail metrics --day {day} --textfile FILE | --pushgateway URL"
            )
        print_line(send_figures_day(day, settings, open_settings_lake(settings)).summary)
        return 0
    samples = measure_day(day, settings, open_settings_lake(settings))
    if arguments.textfile:
        write_textfile(samples, settings.environment, arguments.textfile)
        print_line(f"wrote {len(samples)} figures of {day} to {arguments.textfile}")
    if arguments.pushgateway:
        push_figures(samples, settings.environment, arguments.pushgateway)
        print_line(f"sent {len(samples)} figures of {day} to the Pushgateway")
    if not arguments.textfile and not arguments.pushgateway:
        print_line(render_exposition(samples, settings.environment).rstrip())
    return 0

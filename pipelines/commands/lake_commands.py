"""``prefail lake ls | du | check | compact | diff | link | retain | upgrade``: look after what is stored."""

import argparse
import datetime as dt

from pipelines.commands.output import print_line, print_table
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day
from pipelines.settings import load_settings

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add ``lake`` with its actions."""
    lake = commands.add_parser("lake", help="look at, check and tidy what is stored")
    actions = lake.add_subparsers(title="actions", metavar="ACTION", required=True)

    ls = actions.add_parser("ls", help="print the datasets, or the days of one")
    ls.add_argument("dataset", nargs="?", metavar="DATASET", help="print the days of this dataset")
    ls.set_defaults(run=_run_ls)

    du = actions.add_parser("du", help="print how much room each dataset takes")
    du.set_defaults(run=_run_du)

    check = actions.add_parser(
        "check",
        help="find gaps, orphans, wrong digests, small files",
        description="Reads: the listing, published lists, models; with --read-all every file. Writes: nothing. "
        "Exit code 1 if a problem was found.",
    )
    check.add_argument("--read-all", action="store_true", help="read every file and compare every digest")
    check.set_defaults(run=_run_check)

    compact = actions.add_parser(
        "compact",
        help="make one sorted object of a month's daily ones",
        description="Reads: the daily objects of a core_ dataset. Writes: compacted/DATASET/month=M/. The daily "
        "ones stay: steps read them, and lists are verified by their digests.",
    )
    compact.add_argument("dataset", metavar="DATASET", help="for example core_drive_days")
    compact.add_argument("month", metavar="MONTH", help="YYYY-MM")
    compact.add_argument(
        "--dry-run", action="store_true", help="say what would be written, and write nothing"
    )
    compact.set_defaults(run=_run_compact)

    diff = actions.add_parser("diff", help="compare the published lists of two days")
    diff.add_argument("old", metavar="OLD", help="day of the first list")
    diff.add_argument("new", metavar="NEW", help="day of the second list")
    diff.set_defaults(run=_run_diff)

    link = actions.add_parser(
        "link",
        help="print a link to a day's report",
        description="On S3 the link works without an account until it expires: treat it like a password.",
    )
    link.add_argument("day", metavar="DAY", help="day of the list")
    link.add_argument(
        "--hours", type=int, default=24, metavar="N", help="how long it works (default 24, at most 168)"
    )
    link.set_defaults(run=_run_link)

    retain = actions.add_parser(
        "retain",
        help="delete days that are older than [retain] of the settings keeps them",
        description="Reads: listings. Deletes: days before today minus the kept days, never a dataset's newest "
        "day nor the latest list. A list whose inputs are gone can't be verified any more.",
    )
    retain.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")
    retain.add_argument("--as-of", metavar="D", help="count back from this day (default: today, UTC)")
    retain.set_defaults(run=_run_retain)

    upgrade = actions.add_parser(
        "upgrade",
        help="bring an older lake to the format of this release",
        description="Reads and writes: format.json. A lake of a newer release is refused, by every command.",
    )
    upgrade.set_defaults(run=_run_upgrade)


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:,.1f}"


def _run_ls(arguments: argparse.Namespace) -> int:
    from pipelines.lake_commands.survey import survey_dataset, survey_lake

    lake = open_settings_lake(load_settings(arguments.config))
    if arguments.dataset:
        rows = [
            (d.day, d.n_objects, _megabytes(d.size_bytes))
            for d in survey_dataset(lake.store, arguments.dataset)
        ]
        print_table(f"{arguments.dataset}: {len(rows)} days", ("day", "objects", "MB"), rows)
        return 0
    print_table(
        lake.store.root,
        ("dataset", "days", "first", "last", "objects"),
        [
            (u.dataset, len(u.days), u.days[0] if u.days else "", u.days[-1] if u.days else "", u.n_objects)
            for u in survey_lake(lake.store)
        ],
    )
    return 0


def _run_du(arguments: argparse.Namespace) -> int:
    from pipelines.lake_commands.survey import survey_lake

    lake = open_settings_lake(load_settings(arguments.config))
    usages = sorted(survey_lake(lake.store), key=lambda usage: -usage.size_bytes)
    total = sum(usage.size_bytes for usage in usages)
    print_table(
        f"{lake.store.root}: {_megabytes(total)} MB",
        ("dataset", "MB", "kB a day"),
        [
            (u.dataset, _megabytes(u.size_bytes), f"{u.size_bytes / 1000 / max(len(u.days), 1):,.0f}")
            for u in usages
        ],
    )
    return 0


def _run_check(arguments: argparse.Namespace) -> int:
    from pipelines.lake_commands.checks import check_lake

    lake = open_settings_lake(load_settings(arguments.config))
    checked = check_lake(lake, read_all=arguments.read_all)
    for finding in checked.findings:
        print_line(f"{finding.severity}: {finding.check}: {finding.where}: {finding.what}")
    n_notes = len(checked.findings) - checked.n_problems
    print_line(
        f"checked {lake.store.root}: objects={checked.n_objects} digests={checked.n_digests} "
        f"problems={checked.n_problems} notes={n_notes}"
    )
    return 1 if checked.n_problems else 0


def _run_compact(arguments: argparse.Namespace) -> int:
    from pipelines.lake_commands.compaction import compact_month

    settings = load_settings(arguments.config)
    made = compact_month(
        arguments.dataset,
        parse_day(f"{arguments.month}-01"),
        open_settings_lake(settings),
        memory_limit_mb=settings.training.memory_limit_mb,
        is_dry_run=arguments.dry_run,
    )
    verb = "would write" if arguments.dry_run and made.is_new else "wrote" if made.is_new else "unchanged:"
    print_line(f"{verb} {made.key}: days={made.n_days} rows={made.n_rows}")
    return 0


def _run_diff(arguments: argparse.Namespace) -> int:
    from pipelines.lake_commands.list_diff import diff_lists

    lake = open_settings_lake(load_settings(arguments.config))
    diff = diff_lists(parse_day(arguments.old), parse_day(arguments.new), lake)
    print_table(
        f"{diff.old_day} -> {diff.new_day}: {len(diff.changes)} changed, {diff.n_same} the same"
        + (", scored by another model" if diff.is_other_model else ""),
        ("change", "component", "host", "target", "old rank", "new rank", "old risk", "new risk"),
        [
            (
                c.kind,
                c.component_id,
                c.host_id,
                c.target,
                c.old_rank,
                c.new_rank,
                _share(c.old_risk),
                _share(c.new_risk),
            )
            for c in diff.changes
        ],
    )
    return 0


def _run_link(arguments: argparse.Namespace) -> int:
    from pipelines.publication import link_to_report

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    print_line(link_to_report(parse_day(arguments.day), arguments.hours * 3600, settings, lake))
    return 0


def _share(risk: float | None) -> str:
    return "" if risk is None else f"{risk:.1%}"


def _run_retain(arguments: argparse.Namespace) -> int:
    from pipelines.lake_commands.retention import delete_expired, find_expired

    settings = load_settings(arguments.config)
    as_of = parse_day(arguments.as_of) if arguments.as_of else dt.datetime.now(dt.UTC).date()
    lake = open_settings_lake(settings)
    for expired in find_expired(settings.days_kept, as_of, lake):
        if not arguments.dry_run:
            delete_expired(expired, lake)
        print_line(
            f"{'would delete' if arguments.dry_run else 'deleted'} {expired.dataset} before {expired.first_kept}: "
            f"days={len(expired.days)} objects={len(expired.keys)} MB={_megabytes(expired.size_bytes)}"
        )
    if not settings.retain:
        print_line(
            "All else stays. To end it, add to the settings, for example: [retain] raw_drive_smart = 400"
        )
    return 0


def _run_upgrade(arguments: argparse.Namespace) -> int:
    from pipelines.lake_format import upgrade_lake

    print_line(upgrade_lake(open_settings_lake(load_settings(arguments.config))).summary)
    return 0

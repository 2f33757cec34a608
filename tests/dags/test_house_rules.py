"""Which DAGs exist, and the rules for all of them."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

PROJECT = Path(__file__).parents[2]
DAGS_FOLDER = PROJECT / "dags"
DAG_FILES = ("collect_outcomes.py", "ingest_day.py", "score_day.py", "train_models.py")

Dags = dict[str, SimpleNamespace]


def parse_file(name: str) -> ast.Module:
    return ast.parse((DAGS_FOLDER / name).read_text("utf-8"))


def test_exactly_these_dags_exist_and_every_file_can_be_imported(parsed: SimpleNamespace, dags: Dags) -> None:
    assert vars(parsed.import_errors) == {}
    assert sorted(dags) == ["collect_outcomes", "ingest_day", "score_day", "train_models"]


def test_what_dag_files_share_is_not_parsed_as_a_dag_file(parsed: SimpleNamespace) -> None:
    assert tuple(parsed.parsed_files) == DAG_FILES


def test_parsing_imports_nothing_heavy(parsed: SimpleNamespace) -> None:
    assert parsed.heavy_imports == []
    assert parsed.heavy_before == [], "Airflow itself imports it now: the rule above no longer sees anything"


def test_a_dag_has_the_name_of_its_file(dags: Dags) -> None:
    assert {dag.file for dag in dags.values()} == {f"{dag_id}.py" for dag_id in dags}


def test_the_doc_of_a_dag_is_its_module_docstring_and_says_what_to_do_on_failure(dags: Dags) -> None:
    for dag in dags.values():
        docstring = ast.get_docstring(parse_file(dag.file), clean=False)
        assert docstring is not None
        assert dag.doc_md.strip() == docstring.strip()
        assert "\nOn failure:\n- " in dag.doc_md, dag.dag_id


def test_every_dag_bounds_its_runs_and_says_when_it_is_late(dags: Dags) -> None:
    for dag in dags.values():
        assert not dag.catchup, f"{dag.dag_id}: a first deployment must not run years of days"
        assert 1 <= dag.max_active_runs <= 2, dag.dag_id
        assert 1 <= dag.max_active_tasks <= 4, dag.dag_id
        assert dag.n_deadlines == 1, dag.dag_id
        assert "prefail" in dag.tags, dag.dag_id
        assert dag.params == ["asof"], dag.dag_id


def test_every_task_has_owner_readable_name_time_limit_and_retries_by_kind_of_error(
    dags: Dags,
) -> None:
    for dag in dags.values():
        for task in dag.tasks:
            name = f"{dag.dag_id}.{task.task_id}"
            assert task.owner == "hardware-reliability", name
            assert task.display_name[0].isupper(), name
            assert " " in task.display_name, name
            assert 0 < task.timeout_hours <= 12, name
            assert task.retries == 3, name
            assert task.has_retry_policy, name
            assert not task.is_mapped or task.map_index_template, f"{name}: its parts would be called 0, 1, 2"


def test_permanent_errors_are_never_retried_and_transient_ones_are(parsed: SimpleNamespace) -> None:
    answers = vars(parsed.retry_answers)
    assert {"PermanentError", "TransientError", "ContractBlockedError", "StorageError"} <= set(answers)
    for name, answer in answers.items():
        if name in ("PrefailError", "ValueError"):
            assert answer.action == "default", f"{name} is neither: the plain retries decide"
        elif answer.exit_code == 75:
            assert answer.action == "retry", name
        else:
            assert answer.action == "fail", name


def test_a_late_run_is_a_warning_that_says_what_people_wait_for_and_which_day(
    parsed: SimpleNamespace,
) -> None:
    assert parsed.late_messages == [
        "WARNING run is late: waiting_for=core_drive_days day=2026-02-01 limit_hours=3 run=scheduled__1",
        "WARNING run is late: waiting_for=core_drive_days day=2026-02-02 limit_hours=3 run=manual__2",
    ]


def test_the_head_has_one_partition_a_day_and_the_consumer_waits_for_its_asset(dags: Dags) -> None:
    head, consumer = dags["ingest_day"], dags["score_day"]
    assert (head.schedule, head.cron, head.run_offset, head.key_format) == (
        "CronPartitionTimetable",
        "0 0 * * *",
        -1,
        "%Y-%m-%d",
    )
    emitted = {task.task_id: task.outlets for task in head.tasks if task.outlets}
    assert emitted == {"build": ["component_days"]}
    assert consumer.schedule == "PartitionedAssetTimetable"
    assert consumer.schedule_assets == ["component_days"]


def test_a_consumer_is_never_created_paused_because_its_events_would_be_lost(dags: Dags) -> None:
    consumers = [dag for dag in dags.values() if dag.schedule_assets]
    assert consumers
    for dag in consumers:
        assert dag.is_paused_upon_creation is False, dag.dag_id


def test_tasks_run_in_the_order_of_the_day(dags: Dags) -> None:
    order = {dag_id: [task.task_id for task in dag.tasks] for dag_id, dag in dags.items()}
    assert order == {
        "collect_outcomes": ["collect"],
        "ingest_day": ["list_sources", "ingest", "build", "check_sources"],
        "score_day": ["score", "publish", "tickets", "data_docs"],
        "train_models": ["list_targets", "train"],
    }


def test_a_source_that_fails_costs_neither_the_others_nor_the_build(dags: Dags) -> None:
    rules = {task.task_id: task.trigger_rule for task in dags["ingest_day"].tasks}
    assert rules == {
        "list_sources": "all_success",
        "ingest": "all_success",
        "build": "all_done_min_one_success",
        "check_sources": "all_done",
    }


def test_the_run_ends_with_the_check_of_its_sources_so_that_it_fails_where_one_did(dags: Dags) -> None:
    leaves = [task.task_id for task in dags["ingest_day"].tasks if not task.downstream]
    assert leaves == ["check_sources"]


@pytest.mark.parametrize("name", DAG_FILES)
def test_dag_files_never_import_each_other_and_import_steps_only_inside_tasks(name: str) -> None:
    tree = parse_file(name)
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {file.removesuffix(".py") for file in DAG_FILES}
    at_the_top = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not [module for module in at_the_top if module.split(".")[0] in ("pipelines", "features")]


@pytest.mark.parametrize("name", DAG_FILES)
def test_every_step_that_a_task_calls_is_offered_by_the_command_line(name: str) -> None:
    commands = set()
    for path in (PROJECT / "pipelines" / "commands").glob("*.py"):
        commands |= imported_steps(ast.parse(path.read_text("utf-8")))
    called = imported_steps(parse_file(name))
    assert called
    assert called <= commands


def imported_steps(tree: ast.Module) -> set[str]:
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipelines.")
        for alias in node.names
    }

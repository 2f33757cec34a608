"""Which DAGs exist, and the rules for all of them."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

PROJECT = Path(__file__).parents[2]
DAGS_FOLDER = PROJECT / "dags"
DAG_IDS = (
    "backtest",
    "check_days",
    "collect_outcomes",
    "ingest_day",
    "retain_lake",
    "score_day",
    "ticket_day",
    "train_models",
)
DAG_FILES = tuple(f"{dag_id}.py" for dag_id in DAG_IDS)

Dags = dict[str, SimpleNamespace]


def parse_file(name: str) -> ast.Module:
    return ast.parse((DAGS_FOLDER / name).read_text("utf-8"))


def test_exactly_these_dags_exist_and_every_file_can_be_imported(parsed: SimpleNamespace, dags: Dags) -> None:
    assert vars(parsed.import_errors) == {}
    assert tuple(sorted(dags)) == DAG_IDS


def test_what_dag_files_share_is_not_parsed_as_a_dag_file(parsed: SimpleNamespace) -> None:
    assert tuple(parsed.parsed_files) == DAG_FILES


def test_parsing_imports_nothing_heavy(parsed: SimpleNamespace) -> None:
    assert parsed.heavy_imports == []
    assert parsed.heavy_before == [], "Airflow itself imports it now: the rule above no longer sees anything"


def test_each_file_parses_in_less_than_a_second(parsed: SimpleNamespace) -> None:
    seconds = vars(parsed.parse_seconds)
    assert sorted(seconds) == sorted(DAG_FILES)
    assert {name: taken for name, taken in seconds.items() if taken >= 1.0} == {}


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
        assert 1 <= dag.max_active_tasks <= (16 if dag.dag_id == "score_day" else 4), dag.dag_id
        assert dag.n_deadlines == 1, dag.dag_id
        assert "prefail" in dag.tags, dag.dag_id
        assert {"daily", "weekly", "manual"} & set(dag.tags), f"{dag.dag_id}: how often does it run?"
        assert dag.display_name[0].isupper(), dag.dag_id
        assert " " in dag.display_name, dag.dag_id


def test_every_dag_can_be_run_for_a_day_that_somebody_names_and_a_backtest_for_a_span(dags: Dags) -> None:
    params = {dag_id: dag.params for dag_id, dag in dags.items()}
    assert params.pop("backtest") == ["every", "folds", "from_day", "target", "to_day"]
    assert set(map(tuple, params.values())) == {("asof",)}


def test_dags_that_change_tickets_lists_or_models_never_run_twice_at_once(dags: Dags) -> None:
    assert {dag.dag_id: dag.max_active_runs for dag in dags.values() if dag.max_active_runs > 1} == {
        "ingest_day": 2
    }


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
            # A pool that nobody has created would hold its tasks for ever.
            assert (task.pool, task.pool_slots) == ("default_pool", 1), name
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


def test_the_head_has_one_partition_a_day_and_each_consumer_waits_for_the_asset_before_it(dags: Dags) -> None:
    head, score, ticket = (dags[name] for name in ("ingest_day", "score_day", "ticket_day"))
    assert (head.schedule, head.cron, head.run_offset, head.key_format) == (
        "CronPartitionTimetable",
        "0 0 * * *",
        -1,
        "%Y-%m-%d",
    )
    emitted = {task.task_id: task.outlets for task in head.tasks if task.outlets}
    assert emitted == {"build": ["component_days"]}
    assert score.schedule == ticket.schedule == "PartitionedAssetTimetable"
    assert score.schedule_assets == ["component_days"]
    assert {task.task_id: task.outlets for task in score.tasks if task.outlets} == {
        "publish": ["out_at_risk_hosts"]
    }
    assert ticket.schedule_assets == ["out_at_risk_hosts"]


def test_a_consumer_is_never_created_paused_because_its_events_would_be_lost(dags: Dags) -> None:
    consumers = [dag for dag in dags.values() if dag.schedule_assets]
    assert consumers
    for dag in consumers:
        assert dag.is_paused_upon_creation is False, dag.dag_id


def test_tasks_run_in_the_order_of_the_day(dags: Dags) -> None:
    order = {dag_id: [task.task_id for task in dag.tasks] for dag_id, dag in dags.items()}
    assert order == {
        "backtest": ["list_folds", "judge"],
        "check_days": ["look", "check", "figures"],
        "collect_outcomes": ["collect"],
        "ingest_day": ["list_sources", "ingest", "build", "check_sources"],
        "retain_lake": ["retain"],
        "score_day": ["list_shards", "score", "gather", "drift", "publish", "data_docs"],
        "ticket_day": ["tickets", "figures", "find_questions", "ask", "carry_out"],
        "train_models": ["list_targets", "train", "find_questions", "ask", "settle"],
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
    # `prefail score` does all of it in one process.
    by_shards = {step for step in called if step.startswith("pipelines.shard_scoring.")}
    assert bool(by_shards) is (name == "score_day.py")
    assert "pipelines.score.score_day" in commands
    assert called - by_shards <= commands


def imported_steps(tree: ast.Module) -> set[str]:
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipelines.")
        for alias in node.names
    }


def test_only_the_step_that_touches_tickets_knows_what_day_it_is() -> None:
    """A replay must give the same result, so no other task may ask a clock."""
    asking = {
        name
        for name in DAG_FILES
        for node in ast.walk(parse_file(name))
        if isinstance(node, ast.Name) and node.id == "today_utc"
    }
    assert asking == {"ticket_day.py"}
    for path in (
        *(DAGS_FOLDER / name for name in DAG_FILES),
        *(DAGS_FOLDER / "prefail_airflow").glob("*.py"),
    ):
        clocks = path.read_text("utf-8").count(".now(")
        assert clocks == (1 if path.name == "steps.py" else 0), path.name


def test_every_task_ends_its_log_with_facts_and_links() -> None:
    ways = {"run_step", "end_with", "say_at_end", "send_figures"}
    for name in DAG_FILES:
        for task in find_tasks(parse_file(name)):
            called = {node.id for node in ast.walk(task) if isinstance(node, ast.Name)}
            assert ways & called, f"{name}: {task.name}"


def test_nothing_is_logged_after_facts_that_are_not_what_the_task_returns() -> None:
    """Airflow says what a task returns as its last words; a list for the next task would hide the facts."""
    for name in DAG_FILES:
        for task in find_tasks(parse_file(name)):
            says_it_itself = any(
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Call)
                and ast.unparse(node.value.func) in ("say_at_end", "log.info")
                for node in ast.walk(task)
            )
            is_quiet = any(
                keyword.arg == "show_return_value_in_logs"
                for each in task.decorator_list
                if isinstance(each, ast.Call)
                for keyword in each.keywords
            )
            assert is_quiet is says_it_itself, f"{name}: {task.name}"


def test_figures_are_sent_each_morning_also_where_no_list_came_out(dags: Dags) -> None:
    """A list that was withheld starts no ticket_day; who sends the figure that says so must not wait for it."""
    by_clock = dags["check_days"]
    assert by_clock.cron == "0 6 * * *"
    rules = {task.task_id: task.trigger_rule for task in by_clock.tasks}
    assert rules == {"look": "all_success", "check": "all_success", "figures": "all_done"}
    leaves = [task.task_id for task in by_clock.tasks if not task.downstream]
    assert leaves == ["check", "figures"], "a finding makes the run red"


def find_tasks(tree: ast.Module) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(each, ast.Call) and getattr(each.func, "id", "") == "task"
            for each in node.decorator_list
        )
    ]

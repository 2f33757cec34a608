"""The shipped catalogues are valid, name what exporters really send, and a user's own is checked."""

import gzip
import re
from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.prometheus.catalogue import (
    FOLDER,
    Catalogue,
    fill_template,
    list_catalogues,
    load_catalogue,
    read_catalogue,
)
from pipelines.prometheus.host_names import HostNaming
from pipelines.sources.raw_columns import raw_schema

EXPOSITION = Path(__file__).parents[2].parent / "shared" / "data" / "prometheus-exposition"
_LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? \S+$", re.MULTILINE)
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def test_these_exporters_have_a_catalogue() -> None:
    assert list_catalogues() == (
        "dcgm_exporter",
        "ipmi_exporter",
        "node_exporter",
        "smartctl_exporter",
        "smartmon_textfile",
    )


@pytest.mark.parametrize("exporter", list_catalogues())
def test_a_shipped_catalogue_is_named_for_its_exporter(exporter: str) -> None:
    assert load_catalogue(exporter).exporter == exporter


@pytest.mark.parametrize("exporter", list_catalogues())
def test_every_reading_fills_a_column_that_exists(exporter: str) -> None:
    columns = set(raw_schema("raw_drive_smart").names)
    for entry in load_catalogue(exporter).readings:
        if entry.column_by is not None:
            assert set(entry.column_by.columns.values()) <= columns
        elif "{" not in str(entry.column):
            assert entry.column in columns


def test_no_two_shipped_catalogues_make_the_same_signal() -> None:
    names = [
        (entry.component_kind, entry.signal)
        for exporter in list_catalogues()
        for entry in load_catalogue(exporter).metrics
    ]
    assert len(names) == len(set(names))


@pytest.mark.shared_data
def test_every_series_of_node_exporter_is_in_its_recorded_output() -> None:
    (path,) = EXPOSITION.glob("node_exporter*.gz")
    recorded = [
        (match.group(1), dict(_LABEL.findall(match.group(2) or "")))
        for match in _LINE.finditer(gzip.decompress(path.read_bytes()).decode())
    ]
    not_recorded = set()
    for entry in load_catalogue("node_exporter").metrics:
        of_metric = [labels for name, labels in recorded if name == entry.metric]
        assert of_metric, f"{entry.metric} is not in the recorded output"
        chosen = [
            labels
            for labels in of_metric
            if all(re.fullmatch(pattern, labels.get(name, "")) for name, pattern in entry.where.items())
        ]
        if not chosen:
            not_recorded.add(entry.signal)
        for labels in chosen:
            assert fill_template(entry.component, labels, "h") is not None, (entry.metric, labels)
            assert set(entry.series) <= set(labels), (entry.metric, labels)
        sensors = [
            (fill_template(entry.component, labels, "h"), *(labels[name] for name in entry.series))
            for labels in chosen
        ]
        assert len(sensors) == len(set(sensors)), (
            f"{entry.metric}: series of one host that are told apart by nothing"
        )
    # The captured /proc/net/dev has the loopback device only.
    assert not_recorded == {
        "nic_receive_errors",
        "nic_transmit_errors",
        "nic_receive_drops",
        "nic_frame_errors",
    }


def test_everything_wrong_in_a_catalogue_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "exporter: own\nhost_labels: [instance]\npresence_metric: own_up\nmetrics:\n"
        "  - {metric: own_volts, signal: Volts, kind: gauge, unit: volts, aggregations: [max]}\n"
        "  - {metric: own_errors, signal: errors, kind: gauge, unit: errors, aggregations: [increase]}\n"
    )
    with pytest.raises(ConfigError) as refused:
        read_catalogue(path)
    assert "metrics.0.signal" in str(refused.value)
    assert "errors: a gauge has no increase" in str(refused.value)


def test_a_file_that_is_no_yaml_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"bad\.yaml is not valid YAML"):
        read_catalogue(tmp_path / "bad.yaml")
    with pytest.raises(ConfigError, match="can't be read"):
        read_catalogue(tmp_path / "none.yaml")


def test_a_part_is_named_by_the_first_template_whose_labels_are_there() -> None:
    templates = ("{host}/{dimm_label}", "{host}/mc{controller}")
    assert fill_template(templates, {"dimm_label": "A1", "controller": "0"}, "h") == "h/A1"
    assert fill_template(templates, {"dimm_label": "", "controller": "0"}, "h") == "h/mc0"
    assert fill_template(templates, {}, "h") is None


@pytest.mark.parametrize(
    ("labels", "naming", "host"),
    [
        ({"instance": "host-1:9100"}, HostNaming(), "host-1"),
        ({"instance": "host-1.example.com:9100"}, HostNaming(strip_domain=True), "host-1"),
        ({"instance": "10.0.0.7:9100"}, HostNaming(strip_domain=True), "10.0.0.7"),
        ({"instance": "[fd00::1]:9100"}, HostNaming(), "fd00::1"),
        ({"instance": "fd00::1"}, HostNaming(), "fd00::1"),
        ({"instance": "x:9100", "node": "host-2"}, HostNaming(labels=("node", "instance")), "host-2"),
        ({"instance": "x:9100", "node": ""}, HostNaming(labels=("node", "instance")), "x"),
        ({"job": "node"}, HostNaming(), None),
    ],
)
def test_a_host_is_named_without_its_port(
    labels: dict[str, str], naming: HostNaming, host: str | None
) -> None:
    catalogue: Catalogue = read_catalogue(FOLDER / "node_exporter.yaml")
    assert naming.host_of(labels, catalogue) == host

"""Redfish log services: in a folder and over HTTP they say the same; a broken one costs only its host."""

import datetime as dt
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pipelines.errors import MissingInputError, PrefailError, SourceError, TransientError
from pipelines.sources import redfish
from pipelines.sources.redfish_documents import ROOT, FolderDocuments, Service
from tests.conftest import SHARED
from tests.logs.event_rows import DAY, left_out_of, rows_of

ENTRIES = "Systems/1/LogServices/Sel/Entries"


def entry(number: int, **fields: object) -> dict[str, object]:
    return {
        "@odata.id": f"{ROOT}/{ENTRIES}/{number}",
        "Created": "2026-02-01T12:00:05Z",
        "Severity": "Critical",
        "SensorType": "Memory",
        "Message": "Uncorrectable ECC error detected in DIMM A3",
        "Links": {"OriginOfCondition": {"@odata.id": f"{ROOT}/Systems/1/Memory/DIMM3"}},
        **fields,
    }


def write_documents(folder: Path, documents: dict[str, object]) -> None:
    for address, document in documents.items():
        path = folder / address / "index.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document))


def service_of(members: list[dict[str, object]], **page: object) -> dict[str, object]:
    link = f"{ROOT}/Systems/1"
    return {
        "Systems": {"Members": [{"@odata.id": link}]},
        "Systems/1": {"@odata.id": link, "LogServices": {"@odata.id": f"{link}/LogServices"}},
        "Systems/1/LogServices": {"Members": [{"@odata.id": f"{link}/LogServices/Sel"}]},
        "Systems/1/LogServices/Sel": {"Entries": {"@odata.id": f"{ROOT}/{ENTRIES}"}},
        ENTRIES: {"Members": members, **page},
    }


def read_folder(root: Path, day: dt.date = DAY) -> list[redfish.RawTable]:
    return list(redfish.read_day(redfish.Options(path="rf"), day, root))


def test_an_entry_becomes_an_event_of_its_part(tmp_path: Path) -> None:
    write_documents(tmp_path / "rf" / "db1", service_of([entry(1)]))
    (row,) = rows_of(read_folder(tmp_path))
    assert (row["host_id"], row["signature"]) == ("db1", "redfish_memory_uncorrected")
    assert (row["component_kind"], row["component_hint"]) == ("dimm", "Memory/DIMM3")
    assert row["happened_at"] == dt.datetime(2026, 2, 1, 12, 0, 5, tzinfo=dt.UTC)


def test_linked_members_and_further_pages_are_fetched(tmp_path: Path) -> None:
    documents = service_of(
        [{"@odata.id": f"{ROOT}/{ENTRIES}/1"}], **{"Members@odata.nextLink": f"{ROOT}/{ENTRIES}/page2"}
    )
    documents[f"{ENTRIES}/1"] = entry(1)
    documents[f"{ENTRIES}/page2"] = {"Members": [entry(2), entry(1)]}
    write_documents(tmp_path / "rf" / "db1", documents)
    (row,) = rows_of(read_folder(tmp_path))
    assert row["n_events"] == 2


def test_a_page_that_names_itself_as_the_next_ends(tmp_path: Path) -> None:
    documents = service_of([entry(1)], **{"Members@odata.nextLink": f"{ROOT}/{ENTRIES}"})
    write_documents(tmp_path / "rf" / "db1", documents)
    assert [row["n_events"] for row in rows_of(read_folder(tmp_path))] == [1]


def test_entries_of_severity_ok_are_no_events(tmp_path: Path) -> None:
    write_documents(
        tmp_path / "rf" / "db1", service_of([entry(1, Severity="OK"), entry(2, Severity="Warning")])
    )
    assert sum(row["n_events"] == 1 for row in rows_of(read_folder(tmp_path))) == 1


@pytest.mark.parametrize("created", [None, "", "soon", "1970-01-01T00:00:00Z", 5])
def test_an_entry_without_a_time_is_counted(created: object, tmp_path: Path) -> None:
    write_documents(tmp_path / "rf" / "db1", service_of([entry(1, Created=created)]))
    raw = read_folder(tmp_path)
    assert rows_of(raw) == []
    assert left_out_of(raw)["a log entry without a time"].count == 1


@pytest.mark.parametrize("document", ["<html>login</html>", "[]", "{", "[" * 100_000, '"x"'])
def test_a_copy_that_is_no_json_costs_only_its_own_host(document: str, tmp_path: Path) -> None:
    write_documents(tmp_path / "rf" / "db1", {**service_of([]), ENTRIES: document})
    write_documents(tmp_path / "rf" / "db2", service_of([entry(1)]))
    raw = read_folder(tmp_path)
    assert [row["host_id"] for row in rows_of(raw)] == ["db2"]
    assert left_out_of(raw)["a host whose log services could not be read"].count == 1


def test_an_address_can_not_leave_the_copy(tmp_path: Path) -> None:
    write_documents(tmp_path, {"secret": {"Members": []}})
    (tmp_path / "copy").mkdir()
    assert FolderDocuments(tmp_path / "copy").get(f"{ROOT}/../secret") is None


def test_a_folder_without_copies_is_missing(tmp_path: Path) -> None:
    (tmp_path / "rf").mkdir()
    with pytest.raises(MissingInputError):
        read_folder(tmp_path)


class Answers(BaseHTTPRequestHandler):
    """Serves a copy of a service; ``status`` and ``body`` replace every answer."""

    documents: FolderDocuments
    status = 200
    body: bytes | None = None
    seen: list[str | None]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        document = self.documents.get(self.path)
        data = json.dumps(document).encode() if self.body is None else self.body
        status = 404 if document is None and self.body is None else self.status
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:1/redfish/v1")
        self.send_header("Content-Length", str(len(data) + (10 if status == 206 else 0)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[type[Answers], str]]:
    documents = FolderDocuments(tmp_path / "rf" / "db1")
    handler = type("Handler", (Answers,), {"documents": documents, "seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = Thread(target=web.serve_forever, daemon=True)
        thread.start()
        yield handler, f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


def options_of(url: str) -> redfish.Options:
    service = Service(
        host_id="db1", url=url, username="u", password_env="PREFAIL_TEST_BMC", timeout_seconds=5
    )
    return redfish.Options(services=(service,))


def test_over_http_a_service_says_the_same_as_in_a_folder(
    server: tuple[type[Answers], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFAIL_TEST_BMC", "p")
    write_documents(
        tmp_path / "rf" / "db1", service_of([entry(1), entry(2, SensorType="Fan", Message="Fan 3 failed")])
    )
    options = options_of(server[1])
    assert rows_of(redfish.read_day(options, DAY, tmp_path)) == rows_of(read_folder(tmp_path))
    assert redfish.list_days(options, tmp_path) == [DAY]
    assert set(server[0].seen) == {"Basic dTpw"}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"<html>login</html>", SourceError),
        (200, b"\xff\xfe", SourceError),
        (206, b'{"Members": [', TransientError),
        (302, b"", SourceError),
        (401, b"{}", SourceError),
        (429, b"{}", TransientError),
        (503, b"{}", TransientError),
    ],
)
def test_an_answer_that_is_none_is_the_right_kind_of_error(
    status: int,
    body: bytes,
    error: type[PrefailError],
    server: tuple[type[Answers], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFAIL_TEST_BMC", "secret-word")
    server[0].status, server[0].body = status, body
    with pytest.raises(error) as refused:
        list(redfish.read_day(options_of(server[1]), DAY, tmp_path))
    assert "secret-word" not in str(refused.value)


def test_a_service_that_is_not_there_may_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFAIL_TEST_BMC", "p")
    with pytest.raises(TransientError, match="gave no whole answer"):
        list(redfish.read_day(options_of("http://127.0.0.1:9"), DAY, tmp_path))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://u:p@host", "ftp://x", "http://host/path"])
def test_only_the_address_of_a_service_is_taken(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Service(host_id="db1", url=url)


@pytest.mark.shared_data
def test_the_dmtfs_mock_up_gives_its_three_entries(tmp_path: Path) -> None:
    (tmp_path / "rf").mkdir()
    (tmp_path / "rf" / "rack1").symlink_to(SHARED / "data" / "redfish-mockup")
    rows = rows_of(read_folder(tmp_path, dt.date(2012, 3, 7)))
    assert [row["event_class"] for row in rows] == ["overheat"] * 3
    assert {row["component_hint"] for row in rows} == {"1U/Thermal"}

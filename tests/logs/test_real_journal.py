"""A journal that systemd itself wrote, read through what its own journalctl prints."""

import datetime as dt
import gzip
import os
import subprocess
from pathlib import Path

import pytest

from tests.logs.event_rows import left_out_of, read_logs, rows_of, write_log

pytestmark = pytest.mark.service

IMPORTER = "/lib/systemd/systemd-journal-remote"
SECOND = int(dt.datetime(2026, 2, 1, 12, 0, 5, tzinfo=dt.UTC).timestamp())
IDS = (
    "_BOOT_ID=fedcba9876543210fedcba9876543210\n_MACHINE_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=db1\n"
)
ODD = b"odd \xff\xfe bytes\n \x1b["
ENTRIES = (
    (
        "_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\nPRIORITY=3",
        b"MESSAGE=ata3.00: failed command: READ FPDMA QUEUED",
    ),
    (
        "_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\nPRIORITY=4",
        b"MESSAGE\n" + len(ODD).to_bytes(8, "little") + ODD,
    ),
    ("_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\nPRIORITY=6", "MESSAGE=Temperatur über 90 °C".encode()),
    (
        "_TRANSPORT=syslog\n_COMM=smartd\n_UID=0\nSYSLOG_IDENTIFIER=smartd",
        b"MESSAGE=Device: /dev/sdc [SAT], 8 Currently unreadable (pending) sectors",
    ),
    (
        "_TRANSPORT=syslog\n_COMM=logger\n_UID=1000\nSYSLOG_IDENTIFIER=kernel",
        b"MESSAGE=NVRM: Xid (PCI:0000:9b:00): 79, x",
    ),
)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of back-dated entries, a second apart."""
    folder = tmp_path_factory.mktemp("journal")
    data = b"".join(
        f"__REALTIME_TIMESTAMP={(SECOND + at) * 1_000_000}\n{IDS}{fields}\n".encode() + message + b"\n\n"
        for at, (fields, message) in enumerate(ENTRIES)
    )
    (folder / "in.export").write_bytes(data)
    command = [IMPORTER, f"--output={folder / 'out.journal'}", str(folder / "in.export")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "out.journal"


def print_journal(journal: Path, form: str) -> bytes:
    command = ["journalctl", "--file", str(journal), "-o", form, "--all", "--no-pager"]
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment).stdout


@pytest.mark.parametrize("form", ["json", "export"])
def test_a_real_journal_gives_its_hardware_events(form: str, journal: Path, tmp_path: Path) -> None:
    write_log(tmp_path, f"db1.{form}.gz", gzip.compress(print_journal(journal, form)))
    raw = read_logs(tmp_path)
    rows = {str(row["message"]): row for row in rows_of(raw)}
    assert [row["signature"] for row in rows.values()] == ["ata_failed_command", None, None, "smartd_pending"]
    assert [row["happened_at"].timestamp() - SECOND for row in rows.values()] == [0, 1, 2, 3]
    assert "Temperatur über 90 °C" in rows
    assert any(message.startswith("odd \ufffd\ufffd bytes") and "\\x1b[" in message for message in rows)
    assert {reason: left.count for reason, left in left_out_of(raw).items()} == {
        "of a program that does not speak of hardware": 1
    }


@pytest.mark.parametrize("form", ["short-iso", "short-iso-precise", "short-full"])
def test_a_journal_printed_as_text_is_syslog_or_says_that_it_is_not(
    form: str, journal: Path, tmp_path: Path
) -> None:
    write_log(tmp_path, "db1.log", print_journal(journal, form))
    raw = read_logs(tmp_path)
    n_rows = sum(int(str(row["n_events"])) for row in rows_of(raw))
    n_left = sum(left.count for left in left_out_of(raw).values())
    # One message has a line end in it, so it is two lines of text.
    assert n_rows + n_left == len(ENTRIES) + 1


def test_the_journal_file_itself_is_refused_by_name(journal: Path, tmp_path: Path) -> None:
    write_log(tmp_path, "db1.journal", journal.read_bytes())
    assert list(left_out_of(read_logs(tmp_path))) == ["a binary journal; export it with journalctl -o json"]

"""Hardware events from Redfish log services: live, or copies of services in folders.

An entry is known from when the service created it. Entries of severity OK are no events.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, model_validator

from pipelines.errors import PrefailError
from pipelines.sources.event_messages import EventMessage, collect_messages
from pipelines.sources.hw_events import EventCollector, nothing_of, raw_events
from pipelines.sources.log_files import Findings, existing_folder
from pipelines.sources.redfish_documents import (
    ROOT,
    Document,
    Documents,
    FolderDocuments,
    HttpDocuments,
    Service,
)
from pipelines.sources.source import RawTable, SourceOptions

log = logging.getLogger(__name__)

BAD_TIME = "a log entry without a time"
NO_ANSWER = "a host whose log services could not be read"
_COLLECTIONS = ("Systems", "Managers", "Chassis")
# Services page by 20 to 1,000 entries; a service that always names a next page is broken.
_MAX_PAGES = 5_000
_SEVERITIES = {"Critical": "critical", "Warning": "warning"}


class Options(SourceOptions):
    """Either a folder of copies, or services to ask."""

    path: str | None = Field(
        default=None,
        description="Folder of copies, <path>/<host>/…/index.json as the DMTF's mock-ups lie; relative to the "
        "config file.",
    )
    services: tuple[Service, ...] = Field(default=(), description="Services to ask.")

    @model_validator(mode="after")
    def _has_one_origin(self) -> "Options":
        if (self.path is None) == (not self.services):
            raise ValueError("give either path or services")
        return self


def list_days(options: Options, base_folder: Path) -> list[dt.date]:
    """Return the days that have an entry, ascending."""
    messages, _ = _read_all(options, base_folder, Findings())
    return sorted({_day_of(message) for message in messages})


def read_day(options: Options, day: dt.date, base_folder: Path) -> Iterator[RawTable]:
    """Yield raw_hw_events of ``day``. A service that does not answer costs only its own host."""
    findings = Findings()
    messages, n_hosts = _read_all(options, base_folder, findings)
    if not n_hosts:
        raise nothing_of(day, str(base_folder / (options.path or "")), "copy of a Redfish service")
    collector = EventCollector()
    collect_messages([message for message in messages if _day_of(message) == day], collector)
    raw = raw_events(collector, day, "redfish", (), findings.as_mapping())
    log.info(f"read Redfish logs of {day}: hosts={n_hosts} rows={raw.table.num_rows}")
    if raw.left_out:
        listed = "; ".join(f"{left.count} × {left.reason} ({left.example})" for left in raw.left_out)
        log.warning(f"Redfish entries of {day} without a row: {listed}")
    yield raw


def _read_all(options: Options, base_folder: Path, findings: Findings) -> tuple[list[EventMessage], int]:
    messages: list[EventMessage] = []
    errors: list[PrefailError] = []
    n_hosts = 0
    for host_id, origin in _origins(options, base_folder):
        try:
            documents = origin if isinstance(origin, FolderDocuments) else HttpDocuments(origin)
            messages += _read_host(documents, host_id, findings)
        except PrefailError as error:
            errors.append(error)
            findings.add(NO_ANSWER, str(error))
            continue
        n_hosts += 1
    if errors and not n_hosts:
        raise errors[0]
    return messages, n_hosts


def _origins(options: Options, base_folder: Path) -> list[tuple[str, FolderDocuments | Service]]:
    if options.path is None:
        return [(service.host_id, service) for service in options.services]
    root = existing_folder(base_folder / options.path)
    hosts = sorted(each for each in root.iterdir() if each.is_dir() and not each.name.startswith("."))
    return [(host.name, FolderDocuments(host)) for host in hosts]


def _read_host(documents: Documents, host_id: str, findings: Findings) -> list[EventMessage]:
    entries: dict[str, Document] = {}
    for collection in _COLLECTIONS:
        for owner in _members(documents, f"{ROOT}/{collection}"):
            for service in _members(documents, _link(owner, "LogServices")):
                for entry in _members(documents, _link(service, "Entries")):
                    # Managers and systems often show one log under two addresses; an entry's own tells it.
                    entries.setdefault(str(entry.get("@odata.id", len(entries))), entry)
    messages = []
    for address, entry in entries.items():
        second = _second_of(entry)
        if second is None:
            findings.add(BAD_TIME, f"{host_id}: {address} {entry.get('Created')}")
        elif entry.get("Severity") != "OK":
            messages.append(_message_of(entry, host_id, second))
    return messages


def _members(documents: Documents, address: str | None) -> Iterator[Document]:
    """Yield the members of a collection over all its pages, each fetched where the page only links to it."""
    seen: set[str] = set()
    while address is not None and address not in seen and len(seen) < _MAX_PAGES:
        seen.add(address)
        page = documents.get(address)
        if page is None:
            return
        members = page.get("Members")
        for member in members if isinstance(members, list) else []:
            if not isinstance(member, dict):
                continue
            link = member.get("@odata.id")
            if set(member) - {"@odata.id"}:
                yield member
            elif isinstance(link, str) and (whole := documents.get(link)) is not None:
                yield {"@odata.id": link, **whole}
        following = page.get("Members@odata.nextLink", page.get("@odata.nextLink"))
        address = following if isinstance(following, str) else None


def _link(document: Document, name: str) -> str | None:
    target = document.get(name)
    if isinstance(target, dict):
        link = target.get("@odata.id")
        return link if isinstance(link, str) else None
    # A copy may lack what its resources link to, and have it in the folder of that name.
    own = document.get("@odata.id")
    return f"{own}/{name}" if isinstance(own, str) else None


def _second_of(entry: Document) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(str(entry.get("Created") or entry.get("EventTimestamp")))
    except ValueError:
        return None
    # DSP0266 asks for an offset; services that leave it out mean UTC.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return moment.timestamp() if moment.year >= 1980 else None


def _message_of(entry: Document, host_id: str, second: float) -> EventMessage:
    severity = str(entry.get("Severity") or "")
    what = entry.get("SensorType") or entry.get("EntryType") or "Event"
    code = f" ({entry['EntryCode']})" if entry.get("EntryCode") else ""
    message = str(entry.get("Message") or entry.get("MessageId") or entry.get("Name") or "")
    return EventMessage(
        host_id=host_id,
        second=second,
        text=f"Redfish {severity}: {what}: {message}{code}"[:2_000],
        component_hint=_origin_of(entry),
        severity=_SEVERITIES.get(severity),
    )


def _origin_of(entry: Document) -> str | None:
    links = entry.get("Links")
    origin = links.get("OriginOfCondition") if isinstance(links, dict) else None
    address = origin.get("@odata.id") if isinstance(origin, dict) else None
    return "/".join(str(address).split("/")[-2:])[:64] if address else None


def _day_of(message: EventMessage) -> dt.date:
    return dt.datetime.fromtimestamp(message.second, dt.UTC).date()

"""Every way in which a tracker over HTTP fails, in words that say what to do next."""

import datetime as dt

import requests

from pipelines.errors import PermanentError, PrefailError, TrackerError
from pipelines.tickets.remote.reply import Reply, read_http_date, read_retry_after

UNAFFECTED = "The published list is not affected"
AGAIN = "then run the same command again: it goes on where this one stopped"
# Tokens and certificates live by the minute; an honest network is off by seconds.
_LARGEST_CLOCK_SKEW = dt.timedelta(minutes=5)


def translate(error: requests.RequestException, place: str) -> PrefailError:
    """Return our error for a request that got no whole reply."""
    if isinstance(error, requests.exceptions.SSLError):
        return PermanentError(
            f"{place}: the certificate is not accepted ({_certificate_reason(error)}). No ticket was touched by "
            f"this request. {UNAFFECTED}. Renew it, or name the authority that signed it in "
            f"tickets.options.ca_bundle, or set this machine's clock, {AGAIN}.",
            had_no_effect=True,
        )
    # A connection that was never made carried nothing.
    never_sent = isinstance(error, requests.exceptions.ConnectTimeout) or (
        isinstance(error, requests.exceptions.ConnectionError) and _was_refused(error)
    )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader):
        return PermanentError(
            f"{place} can't be asked for ({type(error).__name__}). No ticket was touched. "
            "Check tickets.options.url and the credentials for stray characters.",
            had_no_effect=True,
        )
    what = "could not be reached" if never_sent else "broke off or gave no answer in time"
    doubt = "" if never_sent else " Whether it was carried out is not known; the next run looks."
    return TrackerError(
        f"{place}: the tracker {what} ({type(error).__name__}).{doubt} {UNAFFECTED}. "
        f"Check that it is up and that this machine may reach it, {AGAIN}.",
        had_no_effect=never_sent,
    )


def judge(reply: Reply, place: str, now: dt.datetime, *, is_reply_read: bool = True) -> PrefailError | None:
    """Return what is wrong with a reply, null if it is JSON below 300 from a server whose clock is ours."""
    facts: dict[str, object] = {"status": reply.status}
    if 300 <= reply.status < 400:
        return PermanentError(
            f"{place} redirects to {(reply.header('Location') or 'nowhere').split('?')[0][:200]!r}. Redirects are not "
            f"followed: they would take the credentials along. {UNAFFECTED}. Set tickets.options.url to the "
            f"tracker's own address, {AGAIN}.",
            had_no_effect=True,
            **facts,
        )
    if skew := _find_clock_skew(reply, place, now):
        return skew
    if reply.status >= 400:
        return _judge_refusal(reply, place, now, facts)
    if is_reply_read and (reply.is_html() or not _is_json(reply)):
        kind = "a web page" if reply.is_html() else "no JSON"
        return PermanentError(
            f"{place} answered {reply.status} with {kind} instead of data: {reply.excerpt()!r}. {UNAFFECTED}. "
            f"A login page or a proxy may be in between, or tickets.options.url is wrong. Correct it, {AGAIN}.",
            **facts,
        )
    return None


def _judge_refusal(reply: Reply, place: str, now: dt.datetime, facts: dict[str, object]) -> PrefailError:
    said = f"{place} answered {reply.status}" + (
        f": {reply.excerpt()!r}" if not reply.is_html() else " with a web page"
    )
    match 429 if reply.is_rate_limit() else reply.status:
        case 401:
            return PermanentError(
                f"{said}. The credentials are not accepted. {UNAFFECTED}. Set PREFAIL_TRACKER_TOKEN, or "
                f"PREFAIL_TRACKER_USER and PREFAIL_TRACKER_PASSWORD, {AGAIN}.",
                had_no_effect=True,
                **facts,
            )
        case 403:
            return PermanentError(
                f"{said}. The account lacks a right, or the queue or project does not exist for it. {UNAFFECTED}. "
                f"Check the name in tickets.options and the account's rights, {AGAIN}.",
                had_no_effect=True,
                **facts,
            )
        case 404 | 410:
            return PermanentError(
                f"{said}. There is no such thing, or the account may not see it. {UNAFFECTED}. "
                f"Check tickets.options, {AGAIN}.",
                had_no_effect=True,
                **facts,
            )
        case 409 | 412 | 423:
            return TrackerError(
                f"{said}. Somebody else changed the ticket meanwhile; their change stands. {UNAFFECTED}. "
                "Run the same command again: it looks at the ticket as it is now.",
                had_no_effect=True,
                **facts,
            )
        case 429:
            asked = read_retry_after(reply, now)
            when = "later" if asked is None else f"in {asked:,.0f} seconds"
            return TrackerError(
                f"{said}. It limits how often we may ask. {UNAFFECTED}. Run the same command again {when}: "
                "it goes on where this one stopped.",
                had_no_effect=True,
                retry_after_seconds=asked,
                **facts,
            )
        case status if status >= 500:
            return TrackerError(
                f"{said}. The tracker is in trouble; whether it did what was asked is not known. {UNAFFECTED}. "
                "Run the same command again later: it looks first.",
                **facts,
            )
        case _:
            return PermanentError(
                f"{said}. It does not accept what was sent. {UNAFFECTED}. Check tickets.options and which fields "
                f"the tracker demands, {AGAIN}.",
                had_no_effect=True,
                **facts,
            )


def _find_clock_skew(reply: Reply, place: str, now: dt.datetime) -> PermanentError | None:
    # A cached reply carries an old date on purpose.
    stated = read_http_date(reply.header("Date") or "")
    if stated is None or reply.header("Age") is not None or abs(stated - now) <= _LARGEST_CLOCK_SKEW:
        return None
    return PermanentError(
        f"{place}: the tracker's clock says {stated:%Y-%m-%d %H:%M:%S} UTC, this machine's "
        f"{now:%Y-%m-%d %H:%M:%S}. One of them is off, and claims and days would be wrong. {UNAFFECTED}. "
        f"Set the clock (NTP), {AGAIN}.",
        tracker_time=stated.isoformat(),
        our_time=now.isoformat(),
    )


def _is_json(reply: Reply) -> bool:
    try:
        reply.json()
    except ValueError:
        return False
    return True


def _certificate_reason(error: requests.exceptions.SSLError) -> str:
    text = str(error)
    known = {
        "not yet valid": "not valid yet: is this machine's clock right?",
        "has expired": "expired: or is this machine's clock wrong?",
        "Hostname mismatch": "it is for another host name",
        "IP address mismatch": "it is for another address",
        "self-signed certificate": "signed by itself or by an unknown authority",
        "self signed certificate": "signed by itself or by an unknown authority",
        "unable to get local issuer": "signed by an unknown authority",
    }
    return next((words for sign, words in known.items() if sign in text), "TLS could not be agreed on")


def _was_refused(error: requests.exceptions.ConnectionError) -> bool:
    return any(
        sign in str(error) for sign in ("Connection refused", "NewConnectionError", "NameResolutionError")
    )

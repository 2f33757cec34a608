"""Decide which components are on the at-risk list, in which order, by when, and what that means for hosts."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Of the window that a risk is about, the share that may pass before somebody should have acted.
# Failures spread evenly over the window would put a quarter of them before the due day.
DUE_WINDOW_SHARE = 0.25


def list_at_risk(predictions: pa.Table, *, length: int, minimum_risk: float) -> pa.Table:
    """Return the ``length`` components most at risk among those with ``risk >= minimum_risk``.

    One row per listed component and target: the columns of ``predictions`` with ``rank`` (int32, 1 =
    most at risk) and ``host_risk`` (float64). Components of all kinds stand in one order, because a
    calibrated risk of 10 % means the same of a drive, a DIMM and a host: risk descending, then
    component_id, then target, so that equal risks rank the same whatever the order of the rows. An
    abstained component (null risk) is never listed.
    """
    scored = predictions.filter(pc.is_valid(predictions["risk"]))
    scored = scored.append_column("host_risk", pa.array(roll_up_risks(scored)))
    wanted = scored.filter(pc.greater_equal(scored["risk"], minimum_risk))
    listed = wanted.sort_by(
        [("risk", "descending"), ("component_id", "ascending"), ("target", "ascending")]
    ).slice(0, length)
    ranks = pa.array(np.arange(1, listed.num_rows + 1), pa.int32())
    if "rank" in listed.column_names:
        listed = listed.drop_columns(["rank"])
    return listed.append_column("rank", ranks)


def roll_up_risks(scored: pa.Table) -> np.ndarray:
    """Return for each scored row the risk that *any* part of its host, or the host itself, fails.

    ``1 - prod(1 - risk_p)``, float64, over the parts p of the host of every kind, and over the host as a
    component of its own (kind ``host``), as if they failed independently. A part that several targets
    speak of counts once, with the highest of their risks. Parts that share a cause (heat, power) fail
    together more often than that, and a host may fail by the very part that is counted beside it; the
    value then is too high, never too low.

    ``scored`` has columns host_id, component_id and risk, none of them null.
    """
    risk: np.ndarray = scored["risk"].to_numpy().astype(np.float64)
    if not len(risk):
        return risk
    host = _codes(scored["host_id"])
    part = _codes(scored["component_id"])
    # Floating products depend on the order of factors; sorting makes them independent of the row order.
    order = np.lexsort((risk, part, host))
    is_last_of_part = np.append(np.diff(part[order]) != 0, True) | np.append(np.diff(host[order]) != 0, True)
    counted = order[is_last_of_part]
    counted = counted[np.lexsort((risk[counted], host[counted]))]
    first_of_host = np.flatnonzero(np.diff(host[counted], prepend=-1))
    survival = np.multiply.reduceat(1.0 - risk[counted], first_of_host)
    host_risk: np.ndarray = 1.0 - survival[host]
    return host_risk


def _codes(names: pa.ChunkedArray) -> np.ndarray:
    codes: np.ndarray = names.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    return codes


def due_day(day: dt.date, *, lead_days: int, horizon_days: int) -> dt.date:
    """Return the last day to act on an entry of the list of ``day``.

    The failure is predicted for ``(day + lead_days, day + horizon_days]``; due is when
    ``DUE_WINDOW_SHARE`` of that window has passed, rounded down to whole days, but at least one day
    into it: 8 days after the list for a lead of 1 and a horizon of 30.
    """
    window_days = horizon_days - lead_days
    return day + dt.timedelta(days=lead_days + max(1, int(window_days * DUE_WINDOW_SHARE)))

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

    One row per listed component: the columns of ``predictions`` with ``rank`` (int32, 1 = most at
    risk) and ``host_risk`` (float64). Order: risk descending, then component_id, then target, so that
    equal risks rank the same whatever the order of the rows. An abstained component (null risk) is
    never listed.
    """
    scored = predictions.filter(pc.is_valid(predictions["risk"]))
    scored = scored.append_column("host_risk", pa.array(roll_up_risks(scored["host_id"], scored["risk"])))
    wanted = scored.filter(pc.greater_equal(scored["risk"], minimum_risk))
    listed = wanted.sort_by(
        [("risk", "descending"), ("component_id", "ascending"), ("target", "ascending")]
    ).slice(0, length)
    ranks = pa.array(np.arange(1, listed.num_rows + 1), pa.int32())
    if "rank" in listed.column_names:
        listed = listed.drop_columns(["rank"])
    return listed.append_column("rank", ranks)


def roll_up_risks(host_ids: pa.ChunkedArray, risks: pa.ChunkedArray) -> np.ndarray:
    """Return for each scored component the risk that *any* component of its host fails.

    ``1 - prod(1 - risk_i)`` over the host's components, float64, as if they failed independently.
    Parts that share a cause (heat, power) fail together more often than that; the value then is too high.
    """
    risk: np.ndarray = risks.to_numpy().astype(np.float64)
    if not len(risk):
        return risk
    host_code: np.ndarray = (
        host_ids.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    )
    # Floating products depend on the order of factors; sorting makes them independent of the row order.
    order = np.lexsort((risk, host_code))
    first_of_host = np.flatnonzero(np.diff(host_code[order], prepend=-1))
    survival = np.multiply.reduceat(1.0 - risk[order], first_of_host)
    host_risk: np.ndarray = 1.0 - survival[host_code]
    return host_risk


def due_day(day: dt.date, *, lead_days: int, horizon_days: int) -> dt.date:
    """Return the last day to act on an entry of the list of ``day``.

    The failure is predicted for ``(day + lead_days, day + horizon_days]``; due is when
    ``DUE_WINDOW_SHARE`` of that window has passed, rounded down to whole days, but at least one day
    into it: 8 days after the list for a lead of 1 and a horizon of 30.
    """
    window_days = horizon_days - lead_days
    return day + dt.timedelta(days=lead_days + max(1, int(window_days * DUE_WINDOW_SHARE)))

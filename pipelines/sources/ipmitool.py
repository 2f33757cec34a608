"""The one door to ``ipmitool``: ask a management controller for its event log over the network."""

import os
import subprocess

from pydantic import BaseModel, ConfigDict, Field

from pipelines.errors import ConfigError, SourceError, TransientError

# A log of 16,000 records takes minutes over a slow controller.
_MAX_OUTPUT_BYTES = 64 << 20


class Controller(BaseModel):
    """How to reach the management controller of one host."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host_id: str = Field(min_length=1, description="The host it manages.")
    address: str = Field(min_length=1, pattern=r"^[^-\s]\S*$", description="Name or IP address.")
    port: int = Field(default=623, ge=1, le=65535)
    username: str = Field(min_length=1, pattern=r"^[^-\s]\S*$")
    password_env: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="The environment variable that holds the password."
    )
    cipher_suite: int = Field(default=3, ge=0, le=17, description="17 for controllers that offer it.")
    timeout_seconds: int = Field(default=120, ge=1, le=3600)


def fetch_sel(controller: Controller) -> str:
    """Return what ``ipmitool sel elist`` prints, in UTC and in the C locale.

    ``TransientError`` if the controller does not answer in time, ``SourceError`` if it refuses.
    """
    password = os.environ.get(controller.password_env)
    if password is None:
        raise ConfigError(
            f"The environment variable {controller.password_env}, the password for the controller of "
            f"{controller.host_id}, is not set. Nothing was read of it. Set it, then re-run that day.",
            host_id=controller.host_id,
        )
    command = [
        *("ipmitool", "-I", "lanplus", "-C", str(controller.cipher_suite), "-Z"),
        *("-H", controller.address, "-p", str(controller.port), "-U", controller.username, "-E"),
        *("-N", "2", "-R", "2", "sel", "elist"),
    ]
    # The password goes by the environment: the arguments of a process are for everybody to read.
    environment = {**os.environ, "IPMI_PASSWORD": password, "LC_ALL": "C", "TZ": "UTC"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            env=environment,
            timeout=controller.timeout_seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as missing:
        raise ConfigError(
            "ipmitool is not installed on this machine. Nothing was read. Install it (Debian: apt-get install "
            "ipmitool), or deliver the logs as files.",
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise TransientError(
            f"The controller of {controller.host_id} did not answer within {controller.timeout_seconds} s. "
            "Nothing was read of it. Re-run that day.",
            host_id=controller.host_id,
        ) from late
    output = done.stdout[:_MAX_OUTPUT_BYTES].decode("utf-8", "replace")
    if done.returncode == 0:
        return output
    said = done.stderr[-400:].decode("utf-8", "replace").strip().splitlines()
    reason = said[-1] if said else f"exit code {done.returncode}"
    refused = any(
        "RAKP" in line or "privilege" in line.lower() or "password" in line.lower() for line in said
    )
    kind = SourceError if refused else TransientError
    raise kind(
        f"ipmitool could not read the event log of {controller.host_id}: {reason}. Nothing was read of it. "
        "Check its address, user and password, then re-run that day.",
        host_id=controller.host_id,
    )

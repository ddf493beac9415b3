"""Heat's words in ours: what its states mean, and what a template's outputs say."""

from __future__ import annotations

from typing import Any

from hastexo_lab.providers.base import AuthorMistake, CloudStack, CloudState, Outputs, Transient

# Heat's action_status → ours. What neither makes, wakes nor ends a stack (UPDATE, CHECK, SNAPSHOT, RESTORE:
# an operator's doing) leaves it running. A create that was rolled back is an empty stack, not one that is up.
STATES: dict[str, CloudState] = {
    "INIT_IN_PROGRESS": CloudState.CREATING,
    "INIT_COMPLETE": CloudState.CREATING,
    "INIT_FAILED": CloudState.CREATE_FAILED,
    "CREATE_IN_PROGRESS": CloudState.CREATING,
    "CREATE_COMPLETE": CloudState.RUNNING,
    "CREATE_FAILED": CloudState.CREATE_FAILED,
    "ADOPT_IN_PROGRESS": CloudState.CREATING,
    "ADOPT_COMPLETE": CloudState.RUNNING,
    "ADOPT_FAILED": CloudState.CREATE_FAILED,
    "ROLLBACK_IN_PROGRESS": CloudState.CREATING,
    "ROLLBACK_COMPLETE": CloudState.CREATE_FAILED,
    "ROLLBACK_FAILED": CloudState.CREATE_FAILED,
    "SUSPEND_IN_PROGRESS": CloudState.SUSPENDING,
    "SUSPEND_COMPLETE": CloudState.SUSPENDED,
    "SUSPEND_FAILED": CloudState.SUSPEND_FAILED,
    "RESUME_IN_PROGRESS": CloudState.RESUMING,
    "RESUME_COMPLETE": CloudState.RUNNING,
    "RESUME_FAILED": CloudState.RESUME_FAILED,
    "DELETE_IN_PROGRESS": CloudState.DELETING,
    "DELETE_COMPLETE": CloudState.ABSENT,
    "DELETE_FAILED": CloudState.DELETE_FAILED,
    **{
        f"{action}_{status}": CloudState.RUNNING
        for action in ("UPDATE", "CHECK", "SNAPSHOT", "RESTORE")
        for status in ("IN_PROGRESS", "COMPLETE", "FAILED")
    },
}


def ref_of(name: str, id_: str) -> str:
    """A stack's ref. Heat answers name/id at once, and an id alone with a redirect to it."""
    return f"{name}/{id_}"


def observation(told: dict[str, Any], ref: str = "") -> CloudStack:
    """A stack as Heat lists or shows it. Raises Transient for a state that is not known here."""
    status = str(told["stack_status"])
    if status not in STATES:
        raise Transient(f"Heat says that the stack {told['stack_name']} is {status}, which is not known here.")
    return CloudStack(
        ref=ref or ref_of(told["stack_name"], told["id"]),
        name=told["stack_name"],
        state=STATES[status],
        reason=told.get("stack_status_reason") or "",
        tags=tuple(told.get("tags") or ()),
    )


def _lines(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _whole(name: str, value: Any) -> int:
    try:
        number = int(value or 0)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 65536:
        raise AuthorMistake(f'The template\'s output "{name}" must be a number from 0 to 65535.')
    return number


def outputs_of(listed: list[dict[str, Any]]) -> Outputs:
    """What the outputs that Heat shows say. Raises AuthorMistake, naming the one that is wrong.

    An output whose value could not be had has an `output_error` (and no value, or null).
    """
    values = {output["output_key"]: output.get("output_value") for output in listed}
    errors = {output["output_key"]: output.get("output_error") for output in listed}
    address = values.get("public_ip")
    if not isinstance(address, str) or not address.strip():
        why = errors.get("public_ip") or ("it is empty" if "public_ip" in values else "there is none")
        raise AuthorMistake(f'The template must have an output "public_ip" with the lab\'s address: {why}.')
    return Outputs(
        address=address.strip(),
        port_offset=_whole("port_offset", values.get("port_offset")),
        secrets={key: str(values[key]) for key in ("private_key", "password") if values.get(key)},
        host_keys=_lines(values.get("host_keys")),
        reboot_on_resume=_names(values.get("reboot_on_resume")),
    )

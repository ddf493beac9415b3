"""OS::Lab::Fault, a Heat resource for tests that waits and fails when told to.

fail_on: [CREATE, SUSPEND, RESUME, DELETE]   ends in <ACTION>_FAILED
fail_times: N                                only the first N attempts fail; 0 = each
wait: {CREATE: 2, SUSPEND: 60}               stays <ACTION>_IN_PROGRESS for that many seconds
value: text                                  is its attribute `output`
"""

from heat.engine import attributes, constraints, properties, resource
from oslo_utils import timeutils

ACTIONS = ["CREATE", "SUSPEND", "RESUME", "DELETE"]
Schema = properties.Schema


class LabFault(resource.Resource):
    properties_schema = {
        "fail_on": Schema(
            Schema.LIST,
            "Actions that fail.",
            default=[],
            update_allowed=True,
            schema=Schema(Schema.STRING, constraints=[constraints.AllowedValues(ACTIONS)]),
        ),
        "fail_times": Schema(Schema.INTEGER, "0 = every time.", default=0, update_allowed=True),
        "wait": Schema(Schema.MAP, "ACTION -> seconds.", default={}, update_allowed=True),
        "value": Schema(Schema.STRING, "The attribute output.", default="", update_allowed=True),
    }
    attributes_schema = {"output": attributes.Schema("value")}

    def _start(self, action):
        now = timeutils.utcnow().isoformat()
        wait_s = float((self.properties["wait"] or {}).get(action, 0))
        if action not in self.properties["fail_on"]:
            return now, wait_s, False
        key, limit = "failed_" + action, self.properties["fail_times"]
        failed = int(self.data().get(key, 0))
        if limit and failed >= limit:
            return now, wait_s, False
        self.data_set(key, str(failed + 1))
        return now, wait_s, True

    def _check(self, cookie):
        started, wait_s, fails = cookie
        since = timeutils.normalize_time(timeutils.parse_isotime(started))
        if (timeutils.utcnow() - since).total_seconds() < wait_s:
            return False
        if fails:
            raise ValueError(f"LabFault: {self.action} of {self.name} told to fail")
        return True

    def handle_create(self):
        self.resource_id_set(self.physical_resource_name())
        return self._start("CREATE")

    def handle_suspend(self):
        return self._start("SUSPEND")

    def handle_resume(self):
        return self._start("RESUME")

    def handle_delete(self):
        return self._start("DELETE")

    check_create_complete = check_suspend_complete = check_resume_complete = check_delete_complete = _check

    def _resolve_attribute(self, name):
        return self.properties["value"] if name == "output" else None


def resource_mapping():
    return {"OS::Lab::Fault": LabFault}

"""A hypervisor that only pretends, with a node that keeps its identity, and faults on demand.

Server metadata steers it: lab_fail=spawn,suspend,resume,reboot,destroy and lab_wait_<operation>=<seconds>.
"""

import time

import nova.virt.node
from nova import exception
from nova.compute import power_state
from nova.virt import fake


class LabDriver(fake.FakeDriver):
    def get_nodenames_by_uuid(self, refresh=False):
        return {nova.virt.node.get_local_node_uuid(): self._host}

    def get_available_resource(self, nodename):
        resource = super().get_available_resource(nodename)
        resource["uuid"] = nova.virt.node.get_local_node_uuid()
        return resource

    def spawn(self, context, instance, *args, **kwargs):
        self._steer("spawn", instance)
        return super().spawn(context, instance, *args, **kwargs)

    def suspend(self, context, instance):
        self._steer("suspend", instance)
        self._state(instance, power_state.SUSPENDED)

    def resume(self, context, instance, *args, **kwargs):
        self._steer("resume", instance)
        self._state(instance, power_state.RUNNING)

    def reboot(self, context, instance, *args, **kwargs):
        self._steer("reboot", instance)
        return super().reboot(context, instance, *args, **kwargs)

    def destroy(self, context, instance, *args, **kwargs):
        self._steer("destroy", instance)
        return super().destroy(context, instance, *args, **kwargs)

    def _steer(self, operation, instance):
        metadata = instance.metadata or {}
        time.sleep(float(metadata.get("lab_wait_" + operation, 0)))  # patched by eventlet: others go on
        if operation in metadata.get("lab_fail", "").split(","):
            raise exception.NovaException(f"lab driver told to fail {operation} of {instance.uuid}")

    def _state(self, instance, state):
        if instance.uuid not in self.instances:  # after a restart of the process
            self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
        self.instances[instance.uuid].state = state

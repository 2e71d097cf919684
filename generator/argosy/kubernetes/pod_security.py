"""The Pod Security Standards: what the levels `baseline` and `restricted` forbid in a pod.

Source: Kubernetes' pod-security-admission, whose own test pods these checks agree with from version 1.25 on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from argosy.documents import Pointer
from argosy.documents.fields import JSON, annotations_of, field, mapping, sequence, text

LEVELS = ("privileged", "baseline", "restricted")

_SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced": 0,
    "net.ipv4.ip_local_port_range": 0,
    "net.ipv4.ip_unprivileged_port_start": 0,
    "net.ipv4.ping_group_range": 0,
    "net.ipv4.tcp_syncookies": 0,
    "net.ipv4.ip_local_reserved_ports": 27,
    "net.ipv4.tcp_fin_timeout": 29,
    "net.ipv4.tcp_keepalive_intvl": 29,
    "net.ipv4.tcp_keepalive_probes": 29,
    "net.ipv4.tcp_keepalive_time": 29,
    "net.ipv4.tcp_rmem": 32,
    "net.ipv4.tcp_wmem": 32,
    "net.ipv4.tcp_notsent_lowat": 37,
    "net.ipv4.tcp_slow_start_after_idle": 37,
}
"""The sysctls that baseline permits, with the minor version of Kubernetes from which on."""

_CAPABILITIES = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
_SE_LINUX_TYPES = {"": 0, "container_t": 0, "container_init_t": 0, "container_kvm_t": 0, "container_engine_t": 31}
_VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim"),
        *("projected", "secret"),
    }
)
_PROFILES = ("RuntimeDefault", "Localhost")
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_HOOKS = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")
_USER_NAMESPACES = 35
"""The minor version of Kubernetes from which on a pod with user namespaces of its own may run as root."""


class Breach(NamedTuple):
    """A field that a level forbids: its place in the pod, from `metadata` and `spec` on, and what is wrong with it."""

    at: Pointer
    problem: str


def breaches(pod: JSON, level: str, minor: int) -> Iterator[Breach]:
    """Yield what a level of the standards, as of Kubernetes 1.`minor`, forbids in a pod or a pod template."""
    if level not in LEVELS[1:]:
        return
    restricted = level == "restricted"
    spec = mapping(field(pod, "spec"))
    own_users = spec.get("hostUsers") is False and minor >= _USER_NAMESPACES
    yield from _shared_with_the_node(pod, spec)
    yield from _volumes(spec, restricted)
    yield from _sysctls(spec, minor)
    for at, context in _contexts(spec):
        yield from _context(at, context, minor)
        if restricted and context.get("runAsUser") == 0 and not own_users:
            yield Breach((*at, "runAsUser"), "must not be 0, which is root")
    for at, container in _containers(spec):
        yield from _container(at, container, minor)
        if not (own_users and not restricted):
            yield from _proc_mount(at, container)
        yield from _added_capabilities(at, container, restricted)
    if restricted:
        yield from _required(spec, own_users=own_users)


def _contexts(spec: Mapping[str, JSON]) -> Iterator[tuple[Pointer, Mapping[str, JSON]]]:
    """Yield the security context of the pod and of each container, with its place."""
    yield ("spec", "securityContext"), mapping(spec.get("securityContext"))
    for at, container in _containers(spec):
        yield (*at, "securityContext"), mapping(container.get("securityContext"))


def _containers(spec: Mapping[str, JSON]) -> Iterator[tuple[Pointer, Mapping[str, JSON]]]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(sequence(spec.get(group))):
            yield ("spec", group, index), mapping(container)


def _shared_with_the_node(pod: JSON, spec: Mapping[str, JSON]) -> Iterator[Breach]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield Breach(("spec", name), "must not be true: it shares the node's own")
    for name, profile in annotations_of(pod).items():
        known = profile in ("", "runtime/default") or text(profile).startswith("localhost/")
        if name.startswith(_APP_ARMOR) and not known:
            yield Breach(("metadata", "annotations", name), "must name a profile: runtime/default or localhost/…")


def _volumes(spec: Mapping[str, JSON], restricted: bool) -> Iterator[Breach]:
    for index, volume in enumerate(sequence(spec.get("volumes"))):
        sources = [name for name, source in mapping(volume).items() if name != "name" and source is not None]
        if "hostPath" in sources:
            yield Breach(("spec", "volumes", index, "hostPath"), "is not allowed: it opens the node's files")
        elif restricted and sources and not _VOLUMES.intersection(sources):
            yield Breach(("spec", "volumes", index, sources[0]), "is a kind of volume that is not allowed")


def _sysctls(spec: Mapping[str, JSON], minor: int) -> Iterator[Breach]:
    for index, sysctl in enumerate(sequence(field(spec, "securityContext", "sysctls"))):
        name = text(field(sysctl, "name"))
        if _SAFE_SYSCTLS.get(name, minor + 1) > minor:
            yield Breach(("spec", "securityContext", "sysctls", index, "name"), f"must not be {name}, which is unsafe")


def _context(at: Pointer, context: Mapping[str, JSON], minor: int) -> Iterator[Breach]:
    if field(context, "windowsOptions", "hostProcess"):
        yield Breach((*at, "windowsOptions", "hostProcess"), "must not be true")
    for profile in ("seccompProfile", "appArmorProfile"):
        chosen = context.get(profile)
        if chosen is not None and field(chosen, "type") not in _PROFILES:
            yield Breach((*at, profile, "type"), f"must be {' or '.join(_PROFILES)}")
    linux = mapping(context.get("seLinuxOptions"))
    if _SE_LINUX_TYPES.get(text(linux.get("type")), minor + 1) > minor:
        yield Breach((*at, "seLinuxOptions", "type"), "must be one of those for containers")
    for name in ("user", "role"):
        if linux.get(name):
            yield Breach((*at, "seLinuxOptions", name), "must not be set")


def _container(at: Pointer, container: Mapping[str, JSON], minor: int) -> Iterator[Breach]:
    if field(container, "securityContext", "privileged"):
        yield Breach((*at, "securityContext", "privileged"), "must not be true")
    for index, port in enumerate(sequence(container.get("ports"))):
        if field(port, "hostPort"):
            yield Breach((*at, "ports", index, "hostPort"), "must not be set: it is a port of the node")
    for name in _HOOKS if minor >= 34 else ():
        for handler in ("httpGet", "tcpSocket"):
            place = (*name.split("."), handler, "host")
            if field(container, *place):
                yield Breach((*at, *place), "must not be set: a probe or hook goes to its own pod")


def _proc_mount(at: Pointer, container: Mapping[str, JSON]) -> Iterator[Breach]:
    if field(container, "securityContext", "procMount") not in (None, "Default"):
        yield Breach((*at, "securityContext", "procMount"), "must be Default")


def _added_capabilities(at: Pointer, container: Mapping[str, JSON], restricted: bool) -> Iterator[Breach]:
    allowed = {"NET_BIND_SERVICE"} if restricted else _CAPABILITIES
    for index, name in enumerate(sequence(field(container, "securityContext", "capabilities", "add"))):
        if text(name) not in allowed:
            yield Breach((*at, "securityContext", "capabilities", "add", index), f"must not be {name}")


def _required(spec: Mapping[str, JSON], *, own_users: bool) -> Iterator[Breach]:
    """Yield what `restricted` demands and is not there."""
    of_pod = mapping(spec.get("securityContext"))
    windows = field(spec, "os", "name") == "windows"
    if of_pod.get("runAsNonRoot") is False and not own_users:
        yield Breach(("spec", "securityContext", "runAsNonRoot"), "must be true")
    for at, container in _containers(spec):
        context = mapping(container.get("securityContext"))
        here = (*at, "securityContext")
        if context.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True and not own_users:
            yield Breach((*here, "runAsNonRoot"), "must be true")
        if windows:
            continue
        if context.get("allowPrivilegeEscalation") is not False:
            yield Breach((*here, "allowPrivilegeEscalation"), "must be false")
        if "ALL" not in sequence(field(context, "capabilities", "drop")):
            yield Breach((*here, "capabilities", "drop"), "must name ALL")
        if not (context.get("seccompProfile") or of_pod.get("seccompProfile")):
            yield Breach((*here, "seccompProfile", "type"), f"must be {' or '.join(_PROFILES)}")

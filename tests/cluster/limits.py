"""What `argosy validate` and an API server are known to disagree on, and why: `docs/validation-limits.md` shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A kind of disagreement: a pattern of what the API server, or argosy, says, what it is about, and the reason."""

    pattern: str
    about: str
    reason: str

    def fits(self, told: str) -> bool:
        """Return whether a message is of this kind."""
        return re.search(self.pattern, told, re.DOTALL) is not None


MISSED = (
    Limit(
        r"compilation failed|must evaluate to|must be a valid CEL|[xX]-kubernetes-validations|[eE]xpression: |"
        r"undefined f",
        "expressions in CEL of policies and webhooks",
        "They need the types of what they are about. Those of a CustomResourceDefinition are judged by "
        "`cel-expression`.",
    ),
    Limit(
        r"openAPIV3Schema|CustomResourceDefinition",
        "the finer rules of structural schemas",
        "The forms of each field are checked; a default is not judged by the schema around it, and "
        "what may stand inside `allOf`, `anyOf` and `oneOf` is not.",
    ),
    Limit(
        r"is forbidden: |not in the valid range|not configured on this cluster|RuntimeClass",
        "what the cluster has: ServiceAccounts, PriorityClasses, RuntimeClasses, ranges of addresses",
        "A repository does not tell: an admission plugin of that cluster refuses.",
    ),
    Limit(
        r"greater than zero|must be positive|must be greater than|must be an integer|non-negative|divisor|ratio |"
        r"greater than (max|default)|must be less than or equal|quantity|greater than 100%|min value|in body|"
        r"must be between|illegal base64|generation|must not be greater than|must match one of",
        "the sign, unit and size of amounts",
        "An amount is checked for its form, requests against limits, and those of a LimitRange against each other.",
    ),
    Limit(
        r"[Dd]uplicate|must be unique|more than two policyTypes",
        "what is in a list twice",
        "Names of containers, ports, volumes and mount paths are checked; rarer lists are not.",
    ),
    Limit(
        r"cannot unmarshal number|cannot handle|parsing time",
        "numbers beyond 64 bits and times out of the calendar",
        "The forms of numbers and times are checked, and not all of their ranges.",
    ),
    Limit(
        r"hostUsers|hostProcess|host-process|hostnameOverride|os\.name|windowsOptions|HostPID|Windows|manualSelector|"
        r"overhead|resourceClaims|podCertificate|clusterTrustBundle|evictionResponders|workloadRef|schedulingGroup",
        "fields of Windows, of user namespaces and of features that are not on by default",
        "Their conditions change from version to version.",
    ),
    Limit(
        r"init containers without restartPolicy|readinessProbes|AppArmor|appArmor|sysctls|link-local|block mode|"
        r"backsteps|"
        r"whitespace|contain '\.\.'|maxUnavailable is non-zero|conflicting|subPath|volumeDevices|must not be set|"
        r"no more than|too long|Too long|must not contain dots|invalid DNS label|unexpected GroupVersion|API group|"
        r"default apiGroup|RFC 1123 subdomain|PersistentVolumeClaim|succeededCount|first value must match|"
        r"at least one value|field can not be empty|may only be|scaling to zero|may not be used|may not be specified|"
        r"volumeAttributesClassName|may not be set|pod-security|looking for beginning|end of JSON|"
        r"IPv4 address|IPv6 address|timeZone|Unsupported value: true",
        "conditions of rare fields",
        "Each is one condition of one field, which no rule is there for.",
    ),
    Limit(
        r"Required value|does not match template|null",
        "what is missing where a whole part is empty or null",
        "What a part needs is named where the part is there, and not in each place where it is not.",
    ),
)
"""What the API server refuses and argosy takes; the first that fits counts."""

WRONG = (
    Limit(
        r'LimitRange .*the required field "name" is missing',
        "a LimitRange without a name",
        "The API server makes a name up, and Argo CD would make another object at each sync.",
    ),
    Limit(
        r"nodePort: must be at (least|most)",
        "a `nodePort` out of every range",
        "A dry run allocates no port: without it the API server refuses.",
    ),
    Limit(
        r"StatefulSet .*spec\.template\.spec\.",
        "the template of a StatefulSet",
        "The API server hardly checks it, and then refuses each of its Pods.",
    ),
    Limit(
        r"needs the key tls\.|spec\.dataSource: ",
        "a key of a `kubernetes.io/tls` Secret that is null, an empty `dataSource`",
        "The one is taken as an empty text, the other as if it were not there: both were meant to be something.",
    ),
)
"""What the API server's dry run takes and argosy refuses, on purpose."""

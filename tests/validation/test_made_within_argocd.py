"""Secrets that are put in their place within Argo CD: what stands for them here is known for what it is."""

from __future__ import annotations

from argosy.findings import Severity, Status
from tests.argocd.test_reach import application, chart, config_map
from tests.validating import Validate

MANIFESTS = """\
apiVersion: v1
kind: Secret
metadata: {name: a, annotations: {avp.kubernetes.io/path: kv/data/db}}
data: {password: <password>, other: '<path:kv/data/x#key | base64encode>'}
---
apiVersion: v1
kind: Secret
metadata: {name: b}
stringData: {token: 'aGVsbG8td29ybGQ-abc<path:kv/data/db#password>'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  replicas: <path:kv/data/db#replicas>
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: x
          image: nginx:1.29.1
          ports: [{containerPort: '<path:kv/data/db#port>'}]
          resources: {limits: {memory: '<path:kv/data/db#mem>'}}
          env: [{name: API_TOKEN, value: 'prefix-<path:kv/data/db#password>'}]
---
apiVersion: v1
kind: Service
metadata: {name: x, annotations: {avp.kubernetes.io/path: kv/data/db}}
spec: {selector: {a: b}, ports: [{port: <port>}]}
"""
SOPS = """\
apiVersion: v1
kind: Secret
metadata: {name: a}
data: {password: 'ENC[AES256_GCM,data:Zm9v,iv:aXY=,tag:dGFn,type:str]'}
stringData: {token: 'ENC[AES256_GCM,data:Zm9v,iv:aXY=,tag:dGFn,type:str]'}
sops: {lastmodified: '2026-01-01T00:00:00Z', mac: 'ENC[AES256_GCM,data:Zm9v,iv:aXY=,tag:dGFn,type:str]'}
"""
KSOPS = """\
apiVersion: viaduct.ai/v1
kind: ksops
metadata:
  name: made
  annotations: {config.kubernetes.io/function: 'exec: {path: ksops}'}
files: [secret.yaml]
"""
AS_THEY_ARE = ", directory: {recurse: true}"
OF_HELM_SECRETS = ", helm: {valueFiles: ['secrets://secrets.yaml', 'secrets+age-import:///key?secrets.yaml']}"


def test_placeholders_of_argocd_vault_plugin(validate: Validate) -> None:
    report = validate({"root.yaml": application("shop"), "apps/a.yaml": MANIFESTS})
    assert not [each for each in report.findings if each.severity is Severity.ERROR or "TOKEN" in each.message]
    (reason,) = {each.reason for each in report.outcomes if each.status is Status.SKIPPED}
    assert reason == "argocd-vault-plugin puts values of it in their place within Argo CD"
    assert report.count(Status.SKIPPED) == 4
    # What is wrong besides is told, and so is the placeholder where the Application says that no plugin is asked.
    found = validate({"apps/a.yaml": MANIFESTS.replace("kind: Service", "kind: Service\nx: 1")}).findings
    assert [each.message for each in found if each.severity is Severity.ERROR] == ['unknown field "x"']
    found = validate({"root.yaml": application("shop", more=AS_THEY_ARE), "apps/a.yaml": MANIFESTS}).findings
    assert any(each.message.startswith("spec.replicas: must be an integer") for each in found)
    # A key alone is a placeholder only by the annotation.
    found = validate({"apps/a.yaml": "kind: Secret\napiVersion: v1\nmetadata: {name: c}\ndata: {a: <key>}\n"}).findings
    assert any(each.message.startswith("data.a: must be base64") for each in found)


def test_files_of_sops(validate: Validate) -> None:
    files = {
        "one.yaml": application("plain", "plain"),
        "two.yaml": application("built", "built"),
        "three.yaml": application("web", "web", OF_HELM_SECRETS),
        "plain/secret.yaml": SOPS,
        "built/kustomization.yaml": "generators: [made.yaml]\n",
        "built/made.yaml": KSOPS,
        "built/secret.yaml": SOPS,
        **chart("web", config_map("one")),
    }
    report = validate(files)
    assert not [each for each in report.findings if each.severity is Severity.ERROR]
    reasons = {each.path: each.reason for each in report.outcomes if each.status is Status.SKIPPED}
    assert reasons["plain/secret.yaml"] == "it is encrypted with SOPS, and decrypted within Argo CD"
    assert "Its generator ksops decrypts files of SOPS" in reasons["built"]
    assert "helm-secrets decrypts the values file secrets://secrets.yaml" in reasons["web"]
    # Where it is known that Argo CD refuses it, it is an error.
    found = validate({"one.yaml": application("plain", "plain", AS_THEY_ARE)}).findings
    assert {each.message for each in found if each.path == "plain/secret.yaml"} >= {'unknown field "sops"'}
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {helm.valuesFileSchemes: 's3'}\n"
    found = validate({"argocd-cm.yaml": settings}).findings
    assert len([each for each in found if each.rule == "value-file-missing"]) == 2

{{- define "app.fullname" -}}
{{ .Values.fullnameOverride | default .Release.Name }}
{{- end }}

{{- define "app.serviceAccountName" -}}
{{- $account := .Values.serviceAccount | default dict -}}
{{ $account.name | default (ternary (include "app.fullname" .) "default" (default false $account.create)) }}
{{- end }}

{{- /* A Deployment's selector is immutable: nothing that may ever change belongs here. */ -}}
{{- define "app.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "app.labels" -}}
{{- $labels := dict
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- include "app.mergedLabels" (list . $labels .Values.commonLabels) -}}
{{- end }}

{{- /* Without the chart's version, which would restart the Pods whenever it changes. */ -}}
{{- define "app.podLabels" -}}
{{- include "app.mergedLabels" (list . .Values.podLabels .Values.commonLabels) -}}
{{- end }}

{{- /* The release's own labels win. The version is the image's tag, cut down to what a label takes. */ -}}
{{- define "app.mergedLabels" -}}
{{- $root := first . -}}
{{- $labels := include "app.selectorLabels" $root | fromYaml -}}
{{- with $root.Values.image.tag -}}
{{- $_ := set $labels "app.kubernetes.io/version" (trunc 63 . | regexFind "[A-Za-z0-9](.*[A-Za-z0-9])?") -}}
{{- end -}}
{{- range rest . -}}
{{- $labels = merge $labels (. | default dict) -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end }}

{{- /* Name, labels and annotations of a resource, given the root and its own annotations as a list. */ -}}
{{- define "app.metadata" -}}
{{- $root := first . -}}
name: {{ include "app.fullname" $root }}
labels:
  {{- include "app.labels" $root | nindent 2 }}
{{- with merge dict (last . | default dict) ($root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "app.image" -}}
{{- $image := .Values.image -}}
{{- if not (or $image.tag $image.digest) -}}
{{- fail "image.tag and image.digest are both empty: set one of them" -}}
{{- end -}}
{{ $image.repository }}{{ with $image.tag }}:{{ . }}{{ end }}{{ with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* The probes that are set, each with a way to probe. */ -}}
{{- define "app.probes" -}}
{{- range $name := list "startupProbe" "readinessProbe" "livenessProbe" }}
{{- with index $.Values $name }}
{{ $name }}:
  {{- if not (or .httpGet .tcpSocket .exec .grpc) }}
  tcpSocket:
    port: http
  {{- end }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "app.lifecycle" -}}
{{- $lifecycle := .Values.lifecycle | default dict -}}
{{- if and .Values.preStopSleepSeconds (not $lifecycle.preStop) -}}
{{- $sleep := dict "seconds" .Values.preStopSleepSeconds -}}
{{- $lifecycle = merge (dict "preStop" (dict "sleep" $sleep)) $lifecycle -}}
{{- end -}}
{{- with $lifecycle }}{{ toYaml . }}{{ end -}}
{{- end }}

{{- define "app.envFrom" -}}
{{- if .Values.config }}
- configMapRef:
    name: {{ include "app.fullname" . }}
{{- end }}
{{- if (.Values.externalSecret).enabled }}
- secretRef:
    name: {{ include "app.fullname" . }}
{{- end }}
{{- with .Values.envFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The strategy of the Rollout; empty where a Deployment runs the Pods. */ -}}
{{- define "app.rollout" -}}
{{- with .Values.rollout -}}
{{- if .enabled }}{{ .strategy | default "canary" }}{{ end -}}
{{- end -}}
{{- end }}

{{- /* What runs the Pods: a Deployment, or a Rollout in its place, which is the same but for its strategy. */ -}}
{{- define "app.workload" -}}
{{- if include "app.rollout" . -}}
apiVersion: argoproj.io/v1alpha1
kind: Rollout
{{- else -}}
apiVersion: apps/v1
kind: Deployment
{{- end -}}
{{- end }}

{{- /* The Service of the version that a rollout brings; empty where one Service leads to all Pods. */ -}}
{{- define "app.newService" -}}
{{- $rollout := include "app.rollout" . -}}
{{- if eq $rollout "blueGreen" -}}
{{ include "app.fullname" . }}-preview
{{- else if and (eq $rollout "canary") (.Values.httpRoute).enabled -}}
{{ include "app.fullname" . }}-canary
{{- end -}}
{{- end }}

{{- define "app.strategy" -}}
{{- $rollout := include "app.rollout" . -}}
{{- $own := .Values.strategy | default dict -}}
{{- $name := include "app.fullname" . -}}
{{- if eq $rollout "canary" -}}
{{- $canary := dict "steps" (.Values.rollout.steps | default list) -}}
{{- with include "app.newService" . -}}
{{- $plugin := dict "argoproj-labs/gatewayAPI" (dict "httpRoute" $name "namespace" $.Release.Namespace) -}}
{{- $routing := dict "trafficRouting" (dict "plugins" $plugin) -}}
{{- $canary = merge $canary (dict "stableService" $name "canaryService" .) $routing -}}
{{- end -}}
{{- $canary = merge $canary ($own.rollingUpdate | default dict) -}}
{{- dict "canary" (merge dict (.Values.rollout.options | default dict) $canary) | toYaml -}}
{{- else if $rollout -}}
{{- $blueGreen := dict "activeService" $name "previewService" (include "app.newService" .) -}}
{{- dict "blueGreen" (merge dict (.Values.rollout.options | default dict) $blueGreen) | toYaml -}}
{{- else if $own -}}
{{- /* Kubernetes refuses the defaults of a rolling update beside the type Recreate. */ -}}
{{- get $own "type" | eq "Recreate" | ternary (omit $own "rollingUpdate") $own | toYaml -}}
{{- end -}}
{{- end }}

{{- /* The Service's ports, given the root and the port on the nodes as a list. */ -}}
{{- define "app.servicePorts" -}}
{{- $root := first . -}}
- name: http
  port: {{ $root.Values.service.port }}
  targetPort: http
  protocol: TCP
  {{- with last . }}
  nodePort: {{ . }}
  {{- end }}
{{- range $root.Values.extraPorts }}
- name: {{ .name }}
  port: {{ .port }}
  targetPort: {{ .name }}
  protocol: {{ .protocol | default "TCP" }}
{{- end }}
{{- end }}

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

{{- define "app.name" -}}
{{ .Values.fullnameOverride | default .Release.Name }}
{{- end }}

{{- define "app.serviceAccountName" -}}
{{- $account := .Values.serviceAccount | default dict -}}
{{ $account.name | default (ternary (include "app.name" .) "default" (default false $account.create)) }}
{{- end }}

{{- /* A Deployment's selector is immutable: nothing that may ever change belongs here. */ -}}
{{- define "app.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Labels, given the root and more labels as a list: the selector's win. The version is what a label takes of the tag. */ -}}
{{- define "app.labels" -}}
{{- $root := first . -}}
{{- $labels := include "app.selectorLabels" $root | fromYaml -}}
{{- with $root.Values.image.tag -}}
{{- $_ := set $labels "app.kubernetes.io/version" (trunc 63 . | regexFind "[A-Za-z0-9](.*[A-Za-z0-9])?") -}}
{{- end -}}
{{- range append (rest .) $root.Values.commonLabels -}}
{{- $labels = merge $labels (. | default dict) -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end }}

{{- /* Metadata, given the root, a name ("": everybody's), annotations, and labels as a list. Pods have other labels: the
chart's version would restart them whenever it changes. */ -}}
{{- define "app.metadata" -}}
{{- $root := first . -}}
{{- $chart := printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $release := dict "app.kubernetes.io/managed-by" $root.Release.Service "helm.sh/chart" $chart -}}
name: {{ index . 1 | default (include "app.name" $root) }}
labels:
  {{- include "app.labels" (concat (list $root $release) (slice . 3)) | nindent 2 }}
{{- with merge dict (index . 2 | default dict) ($root.Values.commonAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The Service's ports, of which the first is the nodes' too. */ -}}
{{- define "app.ports" -}}
{{- range prepend (.Values.extraPorts | default list) (dict "name" "http" "port" .Values.service.port) }}
- name: {{ .name }}
  port: {{ .port }}
  targetPort: {{ .name }}
  protocol: {{ .protocol | default "TCP" }}
{{- end }}
{{- end }}

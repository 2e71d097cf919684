{{- define "app.fullname" -}}
{{ .Values.fullnameOverride | default .Release.Name }}
{{- end }}

{{- define "app.serviceAccountName" -}}
{{- $account := .Values.serviceAccount | default dict -}}
{{ $account.name | default (ternary (include "app.fullname" .) "default" (default false $account.create)) }}
{{- end }}

{{- /* A Deployment's selector is immutable: nothing that may ever change belongs here. */ -}}
{{- define "app.selectorLabels" -}}
app.kubernetes.io/name: {{ .Release.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "app.labels" -}}
{{- $chart := printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- $release := dict "app.kubernetes.io/managed-by" .Release.Service "helm.sh/chart" $chart -}}
{{- include "app.mergedLabels" (list . $release .Values.commonLabels) -}}
{{- end }}

{{- /* Without the chart's version, which would restart the Pods whenever it changes. */ -}}
{{- define "app.podLabels" -}}
{{- include "app.mergedLabels" (list . .Values.podLabels .Values.commonLabels) -}}
{{- end }}

{{- /* The selector's labels win. The version is the image's tag, cut down to what a label takes. */ -}}
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

{{- /* Name, labels and annotations, given the root, its own annotations and, if it has one, a name of its own as a list. */ -}}
{{- define "app.metadata" -}}
{{- $root := first . -}}
name: {{ index (append . "") 2 | default (include "app.fullname" $root) }}
labels:
  {{- include "app.labels" $root | nindent 2 }}
{{- with merge dict (index . 1 | default dict) ($root.Values.commonAnnotations | default dict) }}
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

{{- /* The Service's ports, given the root and the port on the nodes as a list. */ -}}
{{- define "app.servicePorts" -}}
{{- range prepend ((first .).Values.extraPorts | default list) (dict "name" "http" "port" (first .).Values.service.port "node" (last .)) }}
- name: {{ .name }}
  port: {{ .port }}
  targetPort: {{ .name }}
  protocol: {{ .protocol | default "TCP" }}
  {{- with .node }}
  nodePort: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

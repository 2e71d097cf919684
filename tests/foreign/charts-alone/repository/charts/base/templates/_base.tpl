{{- define "base.name" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end }}

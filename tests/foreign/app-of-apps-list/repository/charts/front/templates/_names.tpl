{{- define "front.name" -}}
{{ .Release.Name }}-front
{{- end }}

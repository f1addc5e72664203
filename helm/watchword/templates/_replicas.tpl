{{/* The Deployment's number of pods. */}}

{{/* `yes` where an autoscaler sets the number of pods, not `replicas`. */}}
{{- define "watchword.isScaled" -}}
{{- if or .Values.autoscaling.enabled .Values.autoscaling.external }}yes{{ end }}
{{- end }}

{{/*
The Deployment's number of pods, or empty where the manifest must not have one. If a manifest had a
number and the next one has none, the API server sets 1, and all pods but one end. So the current
number stays in the manifest for as long as Helm owns the field: with server-side apply until an
autoscaler has changed it, otherwise always. Renderers without access to the cluster see no number.
*/}}
{{- define "watchword.replicas" -}}
{{- if not (include "watchword.isScaled" .) }}
{{- int .Values.replicas }}
{{- else }}
{{- $live := lookup "apps/v1" "Deployment" (include "watchword.namespace" .)
  (include "watchword.fullname" .) }}
{{- if $live }}
{{- $applied := false }}
{{- $owned := false }}
{{- range $live.metadata.managedFields }}
{{- if and (eq .operation "Apply") (not .subresource) }}
{{- $applied = true }}
{{- if hasKey (dig "fieldsV1" "f:spec" dict .) "f:replicas" }}{{ $owned = true }}{{ end }}
{{- end }}
{{- end }}
{{- if or $owned (not $applied) }}{{ int $live.spec.replicas }}{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Shared by monitors, alerts and the dashboard. */}}

{{/*
The endpoint of both monitors. Takes a list: the context, the monitor's values. Both set `job` to
the name of the objects, so that alerts select this release's series by namespace and job.
*/}}
{{- define "watchword.monitor.endpoint" -}}
{{- $root := index . 0 }}
{{- $monitor := index . 1 -}}
port: {{ ternary "watchword-admin" "admin" (eq $root.Values.mode "none") }}
path: /metrics
interval: {{ $monitor.interval | quote }}
scrapeTimeout: {{ $monitor.scrapeTimeout | quote }}
relabelings:
- targetLabel: job
  replacement: {{ include "watchword.fullname" $root | quote }}
{{- with $monitor.relabelings }}
{{ toYaml . }}
{{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The other fields of a monitor's spec, except its selector. Takes the same list. */}}
{{- define "watchword.monitor.spec" -}}
{{- $root := index . 0 }}
{{- $monitor := index . 1 -}}
namespaceSelector:
  matchNames: {{ ternary (include "watchword.injector.namespaces" $root)
      (list (include "watchword.namespace" $root) | toJson) (eq $root.Values.mode "none") }}
{{- with $monitor.sampleLimit }}
sampleLimit: {{ int . }}
{{- end }}
{{- with $monitor.podTargetLabels }}
podTargetLabels:
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Metadata of an object that another program reads, perhaps in another namespace. Takes a list: the
context, the suffix of the name, the object's values.
*/}}
{{- define "watchword.monitoring.metadata" -}}
{{- $values := index . 2 }}
{{- $more := dict "labels" $values.labels "annotations" $values.annotations }}
{{- with $values.namespace }}{{ $_ := set $more "namespace" . }}{{ end }}
{{- include "watchword.metadata" (list (index . 0) (index . 1) $more) }}
{{- end }}

{{/* The label matchers of this release's series. */}}
{{- define "watchword.series" -}}
{{- $default := printf "namespace=%q, job=%q" (include "watchword.namespace" .)
  (include "watchword.fullname" .) }}
{{- default $default .Values.prometheusRule.selector }}
{{- end }}

{{/* Takes a list: the context, the monitor's name. */}}
{{- define "watchword.monitor.refuse" -}}
{{- $root := index . 0 }}
{{- if and (ne $root.Values.mode "none") (not (include "watchword.admin.isOpen" $root)) }}
{{- fail (printf "%s.enabled: needs admin.enabled, and admin.listen pod" (index . 1)) }}
{{- end }}
{{- end }}

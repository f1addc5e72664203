{{/*
Watchword as a native sidecar, for charts that depend on this one. The context is this chart's own: `.Subcharts.watchword` in the parent, with
`mode: none` and `sidecar.enabled: true` in its values. examples/kubernetes/sidecar uses all of them.
*/}}

{{/* An element of `initContainers`. Put it before the proxy: what comes after it starts when it serves, and ends before it does. */}}
{{- define "watchword.sidecar.container" -}}
{{- include "watchword.container" (list . "sidecar") }}
{{- end }}

{{/* The volumes behind it. */}}
{{- define "watchword.sidecar.volumes" -}}
{{- include "watchword.volumes" (list . "sidecar") }}
{{- end }}

{{/*
Elements of the proxy's `volumeMounts`: the socket's directory, or nothing for `listen: loopback`. Connecting takes no right to write to the directory, so a
proxy that mounts it like this cannot replace the socket.
*/}}
{{- define "watchword.sidecar.proxyVolumeMounts" -}}
{{- $mounts := list }}
{{- if eq .Values.sidecar.listen "unix" }}
{{- $mounts = append $mounts (dict "name" "watchword-socket" "mountPath" (include "watchword.socket.directory" .) "readOnly" true) }}
{{- end }}
{{- with $mounts }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* A line that changes with what running sidecars cannot take into use without a restart, for an annotation of the pod. */}}
{{- define "watchword.sidecar.checksum" -}}
{{- include "watchword.config.checksum" (list . "sidecar") }}
{{- end }}

{{/* Where sidecars run, as a JSON list: each of these namespaces gets their ConfigMap. */}}
{{- define "watchword.sidecar.namespaces" -}}
{{- $namespaces := list }}
{{- if .Values.sidecar.enabled }}{{ $namespaces = append $namespaces (include "watchword.namespace" .) }}{{ end }}
{{- if .Values.sidecar.injector.enabled }}
{{- $namespaces = concat $namespaces (include "watchword.injector.namespaces" . | fromJsonArray) }}
{{- end }}
{{- $namespaces | uniq | toJson }}
{{- end }}

{{- define "watchword.injector.namespaces" -}}
{{- default (list (include "watchword.namespace" .)) .Values.sidecar.injector.namespaces | uniq | toJson }}
{{- end }}

{{/* The labels of pods that get a sidecar; never none, or every pod would. */}}
{{- define "watchword.injector.podLabels" -}}
{{- toYaml (default (dict "watchword/inject" "enabled") .Values.sidecar.injector.podLabels) }}
{{- end }}

{{/* What a pod has that has the sidecar: fields for `watchword.healthClientPod`. */}}
{{- define "watchword.sidecar.parts" -}}
initContainers:
- {{ include "watchword.sidecar.container" . | indent 2 | trim }}
volumes:
  {{- include "watchword.sidecar.volumes" . | nindent 2 }}
{{- with include "watchword.sidecar.proxyVolumeMounts" . }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The name of a container that gets the socket. */}}
{{- define "watchword.sidecar.clientName" -}}
{{- if .Values.sidecar.injector.enabled }}
{{- first (default (list "health") .Values.sidecar.injector.socketContainers) }}
{{- else }}health
{{- end }}
{{- end }}

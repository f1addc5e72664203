{{/*
Watchword as a native sidecar, for charts that depend on this one. The templates take this chart's
own context: `.Subcharts.watchword` in the parent, with `mode: none` and `sidecar.enabled: true` in
its values. examples/kubernetes/sidecar uses all of them.
*/}}

{{/*
An element of `initContainers`. Put it before the proxy: containers after it start once it serves,
and stop before it does.
*/}}
{{- define "watchword.sidecar.container" -}}
{{- include "watchword.container" (list . "sidecar") }}
{{- end }}

{{/* The volumes of that container. */}}
{{- define "watchword.sidecar.volumes" -}}
{{- include "watchword.volumes" (list . "sidecar") }}
{{- end }}

{{/*
Elements of the proxy's `volumeMounts`: the socket's directory, or none for `listen: loopback`. The
mount is read-only, so the proxy can connect to the socket and cannot replace it.
*/}}
{{- define "watchword.sidecar.proxyVolumeMounts" -}}
{{- $mounts := list }}
{{- if eq .Values.sidecar.listen "unix" }}
{{- $mounts = append $mounts (dict "name" "watchword-socket" "mountPath"
  (include "watchword.socket.directory" .) "readOnly" true) }}
{{- end }}
{{- with $mounts }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/*
A checksum of the settings that running sidecars cannot reload, for an annotation of the pod.
*/}}
{{- define "watchword.sidecar.checksum" -}}
{{- include "watchword.config.checksum" (list . "sidecar") }}
{{- end }}

{{/* The namespaces of sidecars, as a JSON list. Each gets their ConfigMap. */}}
{{- define "watchword.sidecar.namespaces" -}}
{{- $namespaces := list }}
{{- if .Values.sidecar.enabled }}
{{- $namespaces = append $namespaces (include "watchword.namespace" .) }}
{{- end }}
{{- if .Values.sidecar.injector.enabled }}
{{- $namespaces = concat $namespaces (include "watchword.injector.namespaces" . | fromJsonArray) }}
{{- end }}
{{- $namespaces | uniq | toJson }}
{{- end }}

{{- define "watchword.injector.namespaces" -}}
{{- default (list (include "watchword.namespace" .)) .Values.sidecar.injector.namespaces | uniq
  | toJson }}
{{- end }}

{{/* The labels of pods that get a sidecar. Never empty, because that would match every pod. */}}
{{- define "watchword.injector.podLabels" -}}
{{- toYaml (default (dict "watchword/inject" "enabled") .Values.sidecar.injector.podLabels) }}
{{- end }}

{{/* The fields of a pod with the sidecar, for `watchword.healthClientPod`. */}}
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

{{/* The name of a container that the injector gives the socket. */}}
{{- define "watchword.sidecar.clientName" -}}
{{- if .Values.sidecar.injector.enabled }}
{{- first (default (list "health") .Values.sidecar.injector.socketContainers) }}
{{- else }}health
{{- end }}
{{- end }}

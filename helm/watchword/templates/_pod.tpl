{{/* The pods of the Deployment and of the DaemonSet. */}}
{{- define "watchword.podTemplate" -}}
{{- $values := .Values -}}
metadata:
  labels:
    {{- $labels := merge (include "watchword.selectorLabels" . | fromYaml)
      (dict "app.kubernetes.io/version" .Chart.AppVersion) (default dict $values.podLabels)
      (default dict $values.commonLabels) }}
    {{- toYaml $labels | nindent 4 }}
  {{- $annotations := merge (deepCopy (default dict $values.podAnnotations))
    (default dict $values.commonAnnotations) }}
  {{- if include "watchword.config.isOurs" . }}
  {{- $annotations = merge (dict "checksum/config" (include "watchword.config.checksum"
    (list . "workload"))) $annotations }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with include "watchword.imagePullSecrets" . }}
  imagePullSecrets:
    {{- . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "watchword.serviceAccountName" . | quote }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "watchword.terminationGracePeriodSeconds" . }}
  {{- if not (kindIs "invalid" $values.hostUsers) }}
  hostUsers: {{ $values.hostUsers }}
  {{- end }}
  {{- with $values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
  - {{ include "watchword.container" (list . "workload") | indent 4 | trim }}
  {{- with $values.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  volumes:
    {{- include "watchword.volumes" (list . "workload") | nindent 4 }}
  {{- with include "watchword.topologySpreadConstraints" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- range $setting := list "priorityClassName" "runtimeClassName" "nodeSelector" "tolerations"
    "affinity" "dnsPolicy" "dnsConfig" "hostAliases" }}
  {{- with get $values $setting }}
  {{ $setting }}: {{ toJson . }}
  {{- end }}
  {{- end }}
{{- end }}

{{- define "watchword.topologySpreadConstraints" -}}
{{- if eq .Values.mode "deployment" }}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "watchword.selectorLabels" .
  | fromYaml)) }}
{{- $constraints := list }}
{{- range .Values.topologySpreadConstraints }}
{{- $constraints = append $constraints (merge (deepCopy .) $selector) }}
{{- end }}
{{- with $constraints }}
{{- toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The update strategy of the Deployment and of the DaemonSet. */}}
{{- define "watchword.strategy" -}}
type: RollingUpdate
rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
{{- end }}

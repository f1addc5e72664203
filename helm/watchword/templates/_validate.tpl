{{/*
Refuses contradictions that the schema of the values cannot see. Each message begins with the
value's name.
*/}}
{{- define "watchword.validate" -}}
{{- $values := .Values }}
{{- $existing := $values.existingConfig }}
{{- if and $existing.configMap $existing.secret }}
{{- fail "existingConfig.secret: set either this or existingConfig.configMap" }}
{{- end }}
{{- if and $values.config (or $existing.configMap $existing.secret) }}
{{- fail "config: set either this or existingConfig" }}
{{- end }}
{{- if and $values.sidecar.injector.podConfigMaps $existing.secret }}
{{- fail (print "sidecar.injector.podConfigMaps: cannot be combined with "
  "existingConfig.secret; a pod cannot use a ConfigMap instead of a Secret") }}
{{- end }}
{{- if and (or $existing.configMap $existing.secret) (eq $values.reload "rollout") }}
{{- fail (print "reload: `rollout` needs `config`; the chart cannot see changes of an "
  "existing ConfigMap or Secret") }}
{{- end }}
{{- $tls := $values.tls }}
{{- if $tls.enabled }}
{{- if and $tls.certManager.enabled (not $tls.certManager.issuerRef.name) }}
{{- fail "tls.certManager.issuerRef.name: missing" }}
{{- end }}
{{- if not (or $tls.certManager.enabled $tls.existingSecret) }}
{{- fail (print "tls.existingSecret: missing; name a Secret with tls.crt and tls.key, or "
  "set tls.certManager.enabled") }}
{{- end }}
{{- else if or $tls.certManager.enabled (ne $tls.client.certificate "none") }}
{{- fail "tls.enabled: false, but tls.certManager or tls.client is set" }}
{{- end }}
{{- if and $values.caBundle.configMap $values.caBundle.secret }}
{{- fail "caBundle.secret: set either this or caBundle.configMap" }}
{{- end }}
{{- $ports := $values.ports }}
{{- if lt (len (uniq (list (int $ports.grpc) (int $ports.health) (int $ports.admin)))) 3 }}
{{- fail "ports: grpc, health and admin must differ" }}
{{- end }}
{{- with include "watchword.publicKeys.port" . }}
{{- $taken := list (int $ports.grpc) (int $ports.health) (int $ports.admin) }}
{{- if has (int .) (append $taken (int $values.service.port)) }}
{{- fail (printf "config.server.public_keys.address: port %s has another use" .) }}
{{- end }}
{{- end }}
{{- $testsHealthPort := and $tls.enabled (eq $tls.client.certificate "required") }}
{{- if and $values.test.enabled (ne $values.mode "none") (not $values.headlessService.enabled)
  (or $testsHealthPort (not $values.service.enabled)) }}
{{- fail (print "test.enabled: needs headlessService.enabled, or service.enabled without "
  "tls.client.certificate required") }}
{{- end }}
{{- $scaling := $values.autoscaling }}
{{- if and $scaling.enabled $scaling.external }}
{{- fail (print "autoscaling.external: set either this or autoscaling.enabled; two "
  "autoscalers would work against each other") }}
{{- end }}
{{- range $setting := list "enabled" "external" }}
{{- if and (get $scaling $setting) (ne $values.mode "deployment") }}
{{- fail (printf "autoscaling.%s: needs mode deployment, found %s" $setting $values.mode) }}
{{- end }}
{{- end }}
{{- if $scaling.enabled }}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}
{{- fail "autoscaling.minReplicas: more than maxReplicas" }}
{{- end }}
{{- if not (or $scaling.targetCPUUtilizationPercentage $scaling.targetMemoryUtilizationPercentage
  $scaling.metrics) }}
{{- fail (print "autoscaling.targetCPUUtilizationPercentage: missing; the autoscaler "
  "needs this, targetMemoryUtilizationPercentage or metrics") }}
{{- end }}
{{- end }}
{{- if and (include "watchword.config.isOurs" .) (or (ne $values.mode "none")
  $values.sidecar.enabled $values.sidecar.injector.enabled) }}
{{- $_ := include "watchword.config" (list . "workload") }}
{{- end }}
{{- if and (include "watchword.config.isOurs" .) (not (kindIs "invalid"
  $values.terminationGracePeriodSeconds)) }}
{{- with include "watchword.stopSeconds" . }}
{{- if lt (int $values.terminationGracePeriodSeconds) (int .) }}
{{- fail (printf (print "terminationGracePeriodSeconds: found %v; preStopSleepSeconds, drain and "
  "shutdown_timeout take %s. Remove it, or lower config.server.drain or, "
  "if no proxy uses DNS, headlessService.dnsSeconds") $values.terminationGracePeriodSeconds .) }}
{{- end }}
{{- end }}
{{- end }}
{{- $grace := $values.terminationGracePeriodSeconds }}
{{- if and (not (kindIs "invalid" $grace)) (le (int $grace) (int $values.preStopSleepSeconds)) }}
{{- fail (printf (print "terminationGracePeriodSeconds: found %v; preStopSleepSeconds alone "
  "takes %v") $grace $values.preStopSleepSeconds) }}
{{- end }}
{{- include "watchword.validate.network" . }}
{{- include "watchword.integrations.validate" . }}
{{- include "watchword.validate.names" . }}
{{- include "watchword.live.refuseOutages" . }}
{{- end }}

{{/* Refuses names that Kubernetes would not accept. */}}
{{- define "watchword.validate.names" -}}
{{- $values := .Values }}
{{- $name := include "watchword.fullname" . }}
{{- $pattern := ternary "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" "^[a-z]([-a-z0-9]*[a-z0-9])?$"
  (eq $values.mode "none") }}
{{- if not (regexMatch $pattern $name) }}
{{- fail (printf (print "fullnameOverride: objects would be named %q; use lower-case letters, "
  "digits and hyphens, and begin with a letter") $name) }}
{{- end }}
{{- $volumes := list }}
{{- range $i, $file := $values.secretFiles }}
{{- $volume := include "watchword.secretVolume" $file }}
{{- if gt (len $volume) 63 }}
{{- fail (printf "secretFiles[%d].name: missing; the Secret's name is too long for a volume" $i) }}
{{- end }}
{{- if has $volume $volumes }}
{{- fail (printf "secretFiles[%d].name: found %s twice" $i (default $file.secret $file.name)) }}
{{- end }}
{{- $volumes = append $volumes $volume }}
{{- end }}
{{- $other := or $values.grafanaDashboard.enabled $values.prometheusRule.enabled
  $values.extraObjects }}
{{- if and (eq $values.mode "none") (not (or $values.sidecar.enabled
  $values.sidecar.injector.enabled $other)) }}
{{- fail "mode: none needs sidecar.enabled or sidecar.injector.enabled" }}
{{- end }}
{{- end }}

{{- define "watchword.validate.network" -}}
{{- $values := .Values }}
{{- if and $values.service.nodePort (eq $values.service.type "ClusterIP") }}
{{- fail "service.nodePort: needs service.type NodePort or LoadBalancer" }}
{{- end }}
{{- $policy := $values.networkPolicy }}
{{- if $policy.cilium.enabled }}
{{- if not $policy.enabled }}
{{- fail "networkPolicy.cilium.enabled: needs networkPolicy.enabled" }}
{{- end }}
{{- if not $policy.cilium.toFQDNs }}
{{- fail "networkPolicy.cilium.toFQDNs: missing; without it, pods reach no key server" }}
{{- end }}
{{- range $setting := list "dnsTo" "issuersTo" "extra" }}
{{- if get $policy.egress $setting }}
{{- fail (printf (print "networkPolicy.egress.%s: cannot be combined with "
  "networkPolicy.cilium.enabled; put a policy of your own into extraObjects") $setting) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

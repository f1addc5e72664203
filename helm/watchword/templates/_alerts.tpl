{{/*
The alerts, keyed as in `prometheusRule.alerts`: alert, expr, annotations. `$series` limits each
query to this release; the queries sum over its pods. They take rates before sums, so that a pod's
restart does not look like a drop. Divisors are `> 0`, so that no calls give no ratio. The text in
backticks is Prometheus' template language.
*/}}
{{- define "watchword.alerts" -}}
{{- $series := include "watchword.series" . }}
{{- $window := .Values.prometheusRule.window }}
{{- $alerts := .Values.prometheusRule.alerts }}
{{- $metrics := printf "%s.%s" (include "watchword.fullname" .) (include "watchword.namespace" .) }}
{{- $of := printf "{%s}[%s]" $series $window }}
down:
  alert: WatchwordDown
  expr: absent(watchword_build_info{ {{- $series -}} })
  annotations:
    summary: Prometheus scrapes no pod of {{ $metrics }}.
    description: >-
      Prometheus has no series of {{ $metrics }}: no pod runs, or Prometheus cannot scrape them.
      Without Watchword, a proxy that fails closed refuses every request.
    runbook: >-
      Look at the pods, their events and their logs. A refused configuration ends the start, and the
      log lists its problems. If pods run, look at Prometheus' targets: the network policy must let
      Prometheus reach the port `admin`.
keysAbsent:
  alert: WatchwordKeysAbsent
  expr: >-
    sum by (namespace, job, issuer) (watchword_jwks_state{ {{- $series }}, state="absent"}) > 0
  annotations:
    summary: Watchword has no keys of the issuer {{`{{ $labels.issuer }}`}}.
    description: >-
      {{`{{ $value }}`}} pods have no usable keys of the issuer {{`{{ $labels.issuer }}`}}: they
      never fetched them, or their last fetch is older than `max_stale`. The issuer's tokens get
      503 `jwks_unavailable`.
    runbook: >-
      `GET /jwks` on the admin port and the log show the cause of the last failure. Check that the
      key server answers, that pods can reach it (network policy, DNS, CA), and that its keys are
      usable. Watchword retries at least every 30s.
keysStale:
  alert: WatchwordKeysStale
  expr: >-
    sum by (namespace, job, issuer) (watchword_jwks_state{ {{- $series }}, state="stale"}) > 0
  annotations:
    summary: Keys of the issuer {{`{{ $labels.issuer }}`}} are stale.
    description: >-
      {{`{{ $value }}`}} pods cannot refresh their keys of the issuer
      {{`{{ $labels.issuer }}`}} and use expired ones. Tokens pass until `max_stale` after the last
      successful fetch (24h by default); then they get 503.
    runbook: >-
      `GET /jwks` on the admin port and the log show the cause. The dashboard's age of keys shows
      how much time is left. Until then, a key that the issuer removed still verifies tokens.
keyFetchesFailing:
  alert: WatchwordKeyFetchesFailing
  {{- $failed := printf "{%s, outcome!~\"changed|unchanged\"}[%s]" $series $window }}
  expr: |-
    sum by (namespace, job, issuer) (rate(watchword_jwks_fetches_total{{ $failed }}))
      / (sum by (namespace, job, issuer) (rate(watchword_jwks_fetches_total{{ $of }})) > 0)
      > {{ $alerts.keyFetchesFailing.share }}
  annotations:
    summary: Fetches of the keys of the issuer {{`{{ $labels.issuer }}`}} fail.
    description: >-
      {{`{{ $value | humanizePercentage }}`}} of the key fetches for the issuer
      {{`{{ $labels.issuer }}`}} fail. Watchword uses the last good keys until `max_stale`.
    runbook: >-
      `GET /jwks` on the admin port and the log show the cause; the dashboard shows the outcomes.
      `timeout`, `request` and `status` point to the key server or the network. `key_set`,
      `too_large`, `redirect`, `refused` and `metadata` point to its answer. `file` points to the
      mounted file.
denialsSpike:
  alert: WatchwordDenialsSpike
  {{- $denied := printf "{%s, verdict=\"deny\"}[%s]" $series $window }}
  {{- $before := $alerts.denialsSpike.comparedTo }}
  {{- $least := $alerts.denialsSpike.decisionsPerSecond }}
  expr: |-
    (
      sum by (namespace, job, reason) (rate(watchword_decisions_total{{ $denied }}))
        / on (namespace, job) group_left ()
          (sum by (namespace, job) (rate(watchword_decisions_total{{ $of }})) >= {{ $least }})
    )
    - (
      sum by (namespace, job, reason)
          (rate(watchword_decisions_total{{ $denied }} offset {{ $before }}))
        / on (namespace, job) group_left ()
          (sum by (namespace, job)
            (rate(watchword_decisions_total{{ $of }} offset {{ $before }})) > 0)
      or sum by (namespace, job, reason) (rate(watchword_decisions_total{{ $denied }})) * 0
    )
    > {{ $alerts.denialsSpike.share }}
  annotations:
    summary: Watchword denies more requests with {{`{{ $labels.reason }}`}}.
    description: >-
      The share of decisions that are denials with {{`{{ $labels.reason }}`}} is higher than
      {{ $before }} ago, by {{`{{ $value | humanizePercentage }}`}} of all decisions.
    runbook: >-
      The dashboard shows denials by issuer and rule, the decision log each one. `token_expired`:
      compare clocks. `key_not_found`, `signature_invalid`: a key rotation went wrong, or somebody
      is probing. `policy_denied`, `insufficient_scope`, `audience_mismatch`: a rule or a client
      changed. `token_missing`: the proxy no longer sends the header. `jwks_unavailable`: see
      WatchwordKeysAbsent. `watchword validate` explains a token that you have.
overloaded:
  alert: WatchwordOverloaded
  expr: |-
    sum by (namespace, job) (rate(watchword_overloaded_total{{ $of }}))
      / (sum by (namespace, job) (rate(watchword_decision_duration_seconds_count{{ $of }})) > 0)
      > {{ $alerts.overloaded.share }}
  annotations:
    summary: Watchword refuses calls because it is overloaded.
    description: >-
      {{`{{ $value | humanizePercentage }}`}} of calls get 503 `overloaded`: more calls are in
      flight than `server.max_in_flight` allows, or their deadline had almost passed when they got
      a permit.
    runbook: >-
      Add replicas or processors. If one pod gets all calls, let the proxy use the headless Service.
      The proxy need not send request bodies. A very short timeout of the proxy causes this, too.
latencyHigh:
  alert: WatchwordLatencyHigh
  expr: |-
    histogram_quantile(0.99, sum by (namespace, job, door, le)
        (rate(watchword_decision_duration_seconds_bucket{{ $of }})))
      > {{ $alerts.latencyHigh.seconds }}
    and
    sum by (namespace, job, door) (rate(watchword_decision_duration_seconds_count{{ $of }}))
      >= {{ $alerts.latencyHigh.decisionsPerSecond }}
  annotations:
    summary: Watchword's p99 latency is high.
    description: >-
      The p99 latency of decisions at the door `{{`{{ $labels.door }}`}}` is
      {{`{{ $value | humanizeDuration }}`}}. The proxy gives up after its timeout.
    runbook: >-
      Calls that wait for keys take up to `wait`: look at unknown keys and key waits in the
      dashboard. Otherwise processors are short: look at throttling, at calls in flight, and at the
      cache hit ratio.
connectionsTurnedAway:
  alert: WatchwordConnectionsTurnedAway
  expr: >-
    sum by (namespace, job) (rate(watchword_connections_turned_away_total
    { {{- $series }}, cause="too_many"}[{{ $window }}])) > 0
  annotations:
    summary: Watchword closes connections early.
    description: >-
      Pods have as many connections as `max_connections` or their memory allows, and close the ones
      of least use for new ones.
    runbook: >-
      Find the client that opens so many: a proxy needs one or a few for each worker. Add replicas,
      or raise `max_connections`.
reloadRefused:
  alert: WatchwordReloadRefused
  expr: >-
    count by (namespace, job) (watchword_config_last_reload_successful{ {{- $series -}} } == 0) > 0
  annotations:
    summary: Watchword refused its new configuration.
    description: >-
      {{`{{ $value }}`}} pods refused the configuration that they last read, and still use an older
      one. The file has an error, or changes something that needs a restart
      (`only a restart can change …`): `/readyz?verbose` says which.
    runbook: >-
      `GET /readyz?verbose` on the admin port and the log list the problems, with line and column.
      Mend an error; `watchword check-config FILE` finds errors before a roll-out. For a setting
      that needs a restart, restart the pods.
certificateExpiring:
  alert: WatchwordCertificateExpiring
  expr: |-
    min by (namespace, job, listener)
        (watchword_tls_certificate_expiry_timestamp_seconds{ {{- $series -}} }) - time()
      < {{ $alerts.certificateExpiring.days }} * 86400
  annotations:
    summary: The certificate of the listener {{`{{ $labels.listener }}`}} expires soon.
    description: >-
      The certificate of the listener {{`{{ $labels.listener }}`}} expires in
      {{`{{ $value | humanizeDuration }}`}}. It was not renewed.
    runbook: &certificate >-
      Renew the Secret; pods reload it without a restart. With cert-manager, look at the status of
      the Certificate. If the Secret is new, look for refused reloads.
certificateAlmostExpired:
  alert: WatchwordCertificateAlmostExpired
  expr: |-
    min by (namespace, job, listener)
        (watchword_tls_certificate_expiry_timestamp_seconds{ {{- $series -}} }) - time()
      < {{ $alerts.certificateAlmostExpired.days }} * 86400
  annotations:
    summary: The certificate of the listener {{`{{ $labels.listener }}`}} is about to expire.
    description: >-
      The certificate of the listener {{`{{ $labels.listener }}`}} expires in
      {{`{{ $value | humanizeDuration }}`}}. After that, no proxy gets an answer.
    runbook: *certificate
shadowMode:
  alert: WatchwordShadowMode
  expr: sum by (namespace, job) (watchword_shadow{ {{- $series -}} }) > 0
  annotations:
    summary: Watchword does not enforce all of its denials.
    description: >-
      {{`{{ $value }}`}} pods are in shadow mode: some or all denials have no effect.
    runbook: >-
      If you mean it, silence this alert. If not, remove `mode: shadow` from the top of the
      configuration and from its rules.
configWarnings:
  alert: WatchwordConfigWarnings
  expr: sum by (namespace, job, code) (watchword_config_warnings{ {{- $series -}} }) > 0
  annotations:
    summary: Watchword's configuration has warnings.
    description: >-
      The configuration in use has warnings with the code {{`{{ $labels.code }}`}}. It probably does
      not do what its author meant.
    runbook: >-
      `GET /readyz?verbose` on the admin port and the log list them, with line and column;
      docs/warnings.md explains each code. To accept a warning, add `accept_warnings` at that
      place.
keysExposed:
  alert: WatchwordKeysExposed
  expr: sum by (namespace, job, issuer) (watchword_jwks_keys_exposed{ {{- $series -}} }) > 0
  annotations:
    summary: The issuer {{`{{ $labels.issuer }}`}} publishes private keys.
    description: >-
      The key set of the issuer {{`{{ $labels.issuer }}`}} has private keys or shared secrets.
      Anybody who read it can sign tokens that Watchword allows.
    runbook: >-
      Have the issuer replace these keys, and remove the old ones from the set at once. Watchword
      stores no private key material.
panics:
  alert: WatchwordPanics
  expr: >-
    sum by (namespace, job) (increase(watchword_panics_total{ {{- $series -}} }[{{ $window }}])) > 0
  annotations:
    summary: Watchword panicked during a decision.
    description: Decisions panicked, and became denials with status 500. This is a bug in Watchword.
    runbook: Please report it, with the log.
logLinesDropped:
  alert: WatchwordLogLinesDropped
  expr: >-
    sum by (namespace, job, log) (rate(watchword_log_lines_dropped_total{{ $of }})) > 0
  annotations:
    summary: Watchword loses log lines.
    description: >-
      Watchword drops lines of the log `{{`{{ $labels.log }}`}}`, because the reader of its standard
      output or error is too slow. It still answers calls.
    runbook: >-
      Look at the node's log collector and disk. A decision log with `policy: denials` or `sampled`
      has fewer lines.
{{- end }}

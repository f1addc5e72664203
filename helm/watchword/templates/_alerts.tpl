{{/*
The alerts, by the names of their values: alert, expr, annotations. Everything here is kept to this release's series (`$series`), and summed up over its
pods. Rates are taken for each series before they are summed, so a pod's restart is no fall. A ratio's divisor has `> 0`: no calls are no share.
What is in backticks is Prometheus' own template.
*/}}
{{- define "watchword.alerts" -}}
{{- $series := include "watchword.series" . }}
{{- $window := .Values.prometheusRule.window }}
{{- $alerts := .Values.prometheusRule.alerts }}
{{- $metrics := printf "%s.%s" (include "watchword.fullname" .) (include "watchword.namespace" .) }}
down:
  alert: WatchwordDown
  expr: absent(watchword_build_info{ {{- $series -}} })
  annotations:
    summary: No Watchword is scraped ({{ $metrics }}).
    description: >-
      Prometheus has no series of {{ $metrics }}. Either no pod runs, or none can be scraped. Without a Watchword, a proxy that fails closed refuses
      every request.
    runbook: >-
      Look at the pods, their events and logs: a configuration that is refused ends a start with its problems in the log. Where pods run, look at
      Prometheus' targets: the network policy must let Prometheus reach the port `admin`.
keysAbsent:
  alert: WatchwordKeysAbsent
  expr: sum by (namespace, job, issuer) (watchword_jwks_state{ {{- $series }}, state="absent"}) > 0
  annotations:
    summary: No keys of the issuer {{`{{ $labels.issuer }}`}}.
    description: >-
      Pods without usable keys of the issuer {{`{{ $labels.issuer }}`}}: {{`{{ $value }}`}}. Keys were never fetched, or not for longer than `max_stale`.
      The issuer's tokens get 503 `jwks_unavailable`.
    runbook: >-
      `GET /jwks` on the admin port and the log have the cause of the last failure. Check that the key server answers, that pods can reach it (network
      policy, DNS, CA), and that it brings keys that can be used. It is retried by itself, every 30s at least.
keysStale:
  alert: WatchwordKeysStale
  expr: sum by (namespace, job, issuer) (watchword_jwks_state{ {{- $series }}, state="stale"}) > 0
  annotations:
    summary: Keys of the issuer {{`{{ $labels.issuer }}`}} are stale.
    description: >-
      Pods that use keys of the issuer {{`{{ $labels.issuer }}`}} beyond their time, because they cannot fetch them: {{`{{ $value }}`}}. Tokens pass until
      `max_stale` after the last good fetch (24h by default); then they get 503.
    runbook: >-
      `GET /jwks` on the admin port and the log have the cause. The dashboard's key age says how much time is left. A key that the issuer removed
      stays good in the meantime.
keyFetchesFailing:
  alert: WatchwordKeyFetchesFailing
  expr: |-
    sum by (namespace, job, issuer) (rate(watchword_jwks_fetches_total{ {{- $series }}, outcome!~"changed|unchanged"}[{{ $window }}]))
      / (sum by (namespace, job, issuer) (rate(watchword_jwks_fetches_total{ {{- $series -}} }[{{ $window }}])) > 0)
      > {{ $alerts.keyFetchesFailing.share }}
  annotations:
    summary: Fetches of the keys of the issuer {{`{{ $labels.issuer }}`}} fail.
    description: >-
      {{`{{ $value | humanizePercentage }}`}} of the fetches of the keys of the issuer {{`{{ $labels.issuer }}`}} fail. The last good keys decide until they
      are too old.
    runbook: >-
      `GET /jwks` on the admin port and the log have the cause; the dashboard has the outcomes. `timeout`, `request`, `status`: the key server or the way to
      it. `key_set`, `too_large`, `redirect`, `refused`, `metadata`: what it answers. `file`: the mounted file.
denialsSpike:
  alert: WatchwordDenialsSpike
  expr: |-
    {{- $now := printf "{%s, verdict=\"deny\"}[%s]" $series $window }}
    {{- $all := printf "{%s}[%s]" $series $window }}
    {{- $before := $alerts.denialsSpike.comparedTo }}
    (
      sum by (namespace, job, reason) (rate(watchword_decisions_total{{ $now }}))
        / on (namespace, job) group_left () (sum by (namespace, job) (rate(watchword_decisions_total{{ $all }})) >= {{ $alerts.denialsSpike.decisionsPerSecond }})
    )
    - (
      sum by (namespace, job, reason) (rate(watchword_decisions_total{{ $now }} offset {{ $before }}))
        / on (namespace, job) group_left () (sum by (namespace, job) (rate(watchword_decisions_total{{ $all }} offset {{ $before }})) > 0)
      or sum by (namespace, job, reason) (rate(watchword_decisions_total{{ $now }})) * 0
    )
    > {{ $alerts.denialsSpike.share }}
  annotations:
    summary: More denials for {{`{{ $labels.reason }}`}}.
    description: >-
      Denials for {{`{{ $labels.reason }}`}} are a larger share of all decisions than {{ $before }} before, by {{`{{ $value | humanizePercentage }}`}} of all.
    runbook: >-
      The dashboard shows them by issuer and rule, the decision log each one. `token_expired`: compare clocks. `key_not_found`, `signature_invalid`: a rotation
      that went wrong, or somebody guesses. `policy_denied`, `insufficient_scope`, `audience_mismatch`: a rule or a client changed. `token_missing`: the proxy no
      longer sends the header. `jwks_unavailable`: see WatchwordKeysAbsent. `watchword validate` explains a token at hand.
overloaded:
  alert: WatchwordOverloaded
  expr: |-
    sum by (namespace, job) (rate(watchword_overloaded_total{ {{- $series -}} }[{{ $window }}]))
      / (sum by (namespace, job) (rate(watchword_decision_duration_seconds_count{ {{- $series -}} }[{{ $window }}])) > 0)
      > {{ $alerts.overloaded.share }}
  annotations:
    summary: Watchword refuses calls because there are too many.
    description: >-
      {{`{{ $value | humanizePercentage }}`}} of calls get 503 `overloaded`: more are in flight than `server.max_in_flight`, or their deadline had almost passed
      when their turn came.
    runbook: >-
      More replicas or processors. Does one pod get all calls? Let the proxy use the headless Service. Does the proxy send request bodies along? It need not.
      A very short timeout of the proxy ends in this, too.
latencyHigh:
  alert: WatchwordLatencyHigh
  expr: |-
    histogram_quantile(0.99, sum by (namespace, job, door, le) (rate(watchword_decision_duration_seconds_bucket{ {{- $series -}} }[{{ $window }}])))
      > {{ $alerts.latencyHigh.seconds }}
    and
    sum by (namespace, job, door) (rate(watchword_decision_duration_seconds_count{ {{- $series -}} }[{{ $window }}]))
      >= {{ $alerts.latencyHigh.decisionsPerSecond }}
  annotations:
    summary: Decisions are slow.
    description: >-
      One decision in a hundred at the door `{{`{{ $labels.door }}`}}` takes {{`{{ $value | humanizeDuration }}`}} or more. The proxy gives up after its timeout.
    runbook: >-
      Calls that wait for keys take up to `wait`: look at unknown keys and key waits in the dashboard. Otherwise processors are short: look at
      throttling, at calls in flight, and at the cache hit ratio.
connectionsTurnedAway:
  alert: WatchwordConnectionsTurnedAway
  expr: sum by (namespace, job) (rate(watchword_connections_turned_away_total{ {{- $series }}, cause="too_many"}[{{ $window }}])) > 0
  annotations:
    summary: Watchword turns connections away.
    description: Pods have as many connections as `max_connections` allows, and close further ones.
    runbook: >-
      Who opens so many? A proxy needs one or a few for each worker. More replicas, or a higher `max_connections`.
reloadRefused:
  alert: WatchwordReloadRefused
  expr: count by (namespace, job) (watchword_config_last_reload_successful{ {{- $series -}} } == 0) > 0
  annotations:
    summary: Watchword refused its new configuration.
    description: >-
      Pods that refused the last configuration that they read, and go on with an older one: {{`{{ $value }}`}}. The file that lies
      there would not start a pod either.
    runbook: >-
      `GET /readyz?verbose` on the admin port and the log have the problems, with line and column. `watchword check-config FILE` finds them before a
      roll-out.
certificateExpiring:
  alert: WatchwordCertificateExpiring
  expr: |-
    min by (namespace, job, listener) (watchword_tls_certificate_expiry_timestamp_seconds{ {{- $series -}} }) - time()
      < {{ $alerts.certificateExpiring.days }} * 86400
  annotations:
    summary: The certificate of the listener {{`{{ $labels.listener }}`}} ends soon.
    description: The certificate of the listener {{`{{ $labels.listener }}`}} ends in {{`{{ $value | humanizeDuration }}`}}. Nobody renewed it.
    runbook: &certificate >-
      Renew the Secret; pods take it into use without a restart. With cert-manager, look at the Certificate's status. If the Secret is new, look for reloads
      that were refused.
certificateAlmostExpired:
  alert: WatchwordCertificateAlmostExpired
  expr: |-
    min by (namespace, job, listener) (watchword_tls_certificate_expiry_timestamp_seconds{ {{- $series -}} }) - time()
      < {{ $alerts.certificateAlmostExpired.days }} * 86400
  annotations:
    summary: The certificate of the listener {{`{{ $labels.listener }}`}} ends now.
    description: >-
      The certificate of the listener {{`{{ $labels.listener }}`}} ends in {{`{{ $value | humanizeDuration }}`}}. Then no proxy gets an answer.
    runbook: *certificate
shadowMode:
  alert: WatchwordShadowMode
  expr: sum by (namespace, job) (watchword_shadow{ {{- $series -}} }) > 0
  annotations:
    summary: Watchword does not enforce all that it decides.
    description: >-
      Some denials, or all, do not take effect. Pods in shadow mode: {{`{{ $value }}`}}.
    runbook: >-
      If that is meant, silence this. If not, take `mode: shadow` out of the configuration, from the top and from each rule.
configWarnings:
  alert: WatchwordConfigWarnings
  expr: sum by (namespace, job, code) (watchword_config_warnings{ {{- $series -}} }) > 0
  annotations:
    summary: Watchword's configuration has warnings.
    description: The configuration in use has warnings with the code {{`{{ $labels.code }}`}}. It most likely does not mean what it says.
    runbook: >-
      `GET /readyz?verbose` on the admin port and the log have them, with line and column; docs/operations.md says what each means. One that is
      meant is accepted by `accept_warnings` where it stands.
keysExposed:
  alert: WatchwordKeysExposed
  expr: sum by (namespace, job, issuer) (watchword_jwks_keys_exposed{ {{- $series -}} }) > 0
  annotations:
    summary: The issuer {{`{{ $labels.issuer }}`}} publishes private keys.
    description: >-
      The key set of the issuer {{`{{ $labels.issuer }}`}} holds private keys or shared secrets. Whoever read it can sign tokens that pass.
    runbook: >-
      Have the issuer replace these keys, and take the old ones out of the set at once. Watchword keeps none of the private members.
panics:
  alert: WatchwordPanics
  expr: sum by (namespace, job) (increase(watchword_panics_total{ {{- $series -}} }[{{ $window }}])) > 0
  annotations:
    summary: Decisions of Watchword panicked.
    description: Decisions panicked, and became denials with status 500. This is a fault of Watchword.
    runbook: Please report it, with the log.
logLinesDropped:
  alert: WatchwordLogLinesDropped
  expr: sum by (namespace, job, log) (rate(watchword_log_lines_dropped_total{ {{- $series -}} }[{{ $window }}])) > 0
  annotations:
    summary: Watchword loses log lines.
    description: >-
      Lines of the log `{{`{{ $labels.log }}`}}` are not written, because whoever reads standard output or error is too
      slow. Decisions go on.
    runbook: >-
      Look at the node's log collector and disk. A decision log of `policy: denials`, or `sampled`, has fewer lines.
{{- end }}

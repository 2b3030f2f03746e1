{{/* Labels of every object. Pods get only labels that never change, so that a new chart version alone restarts no pod. */}}
{{- define "podrole.labels" -}}
app.kubernetes.io/part-of: podrole
{{ include "podrole.releaseLabels" . }}
{{- end }}

{{/* Labels by which tools find a release, and the mark of a try installation. */}}
{{- define "podrole.releaseLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- if .Values.try.enabled }}
podrole.io/try: "true"
{{- end }}
{{- end }}

{{/* Beginning of the names of objects without a namespace: those of a try installation are no other installation's. */}}
{{- define "podrole.clusterName" -}}
podrole{{ if .Values.try.enabled }}-try{{ end }}
{{- end }}

{{/* list: root, image */}}
{{- define "podrole.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ default $root.Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{/* A map of settings as environment variables: roleBaseArn becomes PODROLE_ROLE_BASE_ARN. */}}
{{- define "podrole.environment" -}}
{{- range $name, $value := . }}
PODROLE_{{ $name | snakecase | upper }}: {{ include "podrole.text" $value | quote }}
{{- end }}
{{- end }}

{{/* The value of a setting as text. */}}
{{- define "podrole.text" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{/* Policy settings, as JSON: both programs read them from podrole-common, wherever the values have them. */}}
{{- define "podrole.policy" -}}
{{- $values := .Values }}
{{- $places := list (list "settings" $values.settings) (list "server.settings" $values.server.settings) (list "webhook.settings" $values.webhook.settings) }}
{{- $policy := dict }}
{{- range $name := include "podrole.policyNames" . | fromJsonArray }}
{{- $first := "" }}
{{- range $place := $places }}
{{- if hasKey (index $place 1) $name }}
{{- $text := include "podrole.text" (get (index $place 1) $name) }}
{{- if not $first }}
{{- $first = index $place 0 }}
{{- $_ := set $policy $name $text }}
{{- else if ne $text (get $policy $name) }}
{{- fail (printf "Cannot set %s: %s has %q and %s has %q; expected one value for server and webhook, in settings.%s" $name $first (get $policy $name) (index $place 0) $text $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $policy | toJson }}
{{- end }}

{{/* Settings that depend on podrole's namespace, if it is not the programs' default. */}}
{{- define "podrole.places" -}}
{{- $namespace := .Release.Namespace }}
{{- $common := dict "trustConfigMap" (printf "%s/podrole-trust" $namespace) }}
{{- $server := dict "caSecret" (printf "%s/podrole-ca" $namespace) "refusalsConfigMap" (printf "%s/podrole-refusals" $namespace) "owner" (printf "%s/podrole-server" $namespace) "webhookServiceAccount" (printf "%s/podrole-webhook" $namespace) }}
{{- range $program := list "server" "webhook" }}
{{- $host := printf "podrole-%s.%s.svc" $program $namespace }}
{{- $_ := set $server (printf "%sNames" $program) (list $host (printf "%s.cluster.local" $host)) }}
{{- end }}
{{- $host := printf "podrole-server.%s.svc" $namespace }}
{{- $webhook := dict "serverName" $host "serverAddress" (printf "%s:8444" $host) "identityAddress" (printf "%s:8443" $host) }}
{{- dict "common" $common "server" $server "webhook" $webhook | toJson }}
{{- end }}

{{/* Settings of one ConfigMap, in ascending precedence: the manifests' defaults, those that other values imply, the user's. dict: root, name */}}
{{- define "podrole.settings" -}}
{{- $values := .root.Values }}
{{- $settings := dict }}
{{- if eq .name "common" }}{{ $_ := set $settings "level" "info" }}{{ else }}{{ $_ := set $settings "shutdownDelay" "5s" }}{{ end }}
{{- if ne .root.Release.Namespace "podrole" }}
{{- $settings = merge (index (include "podrole.places" .root | fromJson) .name) $settings }}
{{- end }}
{{- if $values.try.enabled }}
{{- $settings = merge (index (include "podrole.trySettings" .root | fromJson) .name) $settings }}
{{- end }}
{{- if and (eq .name "server") (ne $values.ca.source "managed") }}
{{- $settings = merge (dict "caCert" "/etc/podrole/ca/tls.crt" "caKey" "/etc/podrole/ca/tls.key") $settings }}
{{- end }}
{{- with $values.podCertificates }}
{{- if and .enabled (or (eq $.name "server") (and (eq $.name "webhook") .inject)) }}{{ $_ := set $settings "podCertificates" (ternary "auto" "on" .auto) }}{{ end }}
{{- end }}
{{- if eq .name "webhook" }}
{{- $_ := set $settings "sidecarImage" (include "podrole.image" (list .root $values.sidecarImage)) }}
{{- if $values.openshift.enabled }}{{ $_ := set $settings "sidecarUser" "none" }}{{ end }}
{{- with $values.networkPolicy.apiServerCidrs }}{{ $_ := set $settings "apiServerCidrs" . }}{{ end }}
{{- end }}
{{- $policy := include "podrole.policy" .root | fromJson }}
{{- $own := $values.settings }}
{{- if ne .name "common" }}{{ $own = (index $values .name).settings }}{{ end }}
{{- $own = deepCopy $own }}
{{- range $name := keys $policy }}{{ $_ := unset $own $name }}{{ end }}
{{- if eq .name "common" }}{{ $own = merge $policy $own }}{{ end }}
{{- include "podrole.environment" (merge $own $settings) | trim }}
{{- end }}

{{/* The pod spec of a Deployment, without its containers. dict: root, name */}}
{{- define "podrole.podSpec" -}}
{{- $values := .root.Values }}{{ $program := index $values .name }}{{ $ha := $values.ha.enabled -}}
serviceAccountName: podrole-{{ .name }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- if not $values.try.enabled }}
priorityClassName: {{ $values.priorityClass.name }}
{{- end }}
terminationGracePeriodSeconds: 40
{{- with $values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with $program.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $program.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- if $program.affinity }}
affinity: {{ toJson $program.affinity }}
{{- else if $ha }}
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      - topologyKey: kubernetes.io/hostname
        labelSelector: { matchLabels: { app.kubernetes.io/name: podrole-{{ .name }} } }
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: { matchLabels: { app.kubernetes.io/name: podrole-{{ .name }} } }
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: {{ ternary "DoNotSchedule" "ScheduleAnyway" $ha }}
    labelSelector: { matchLabels: { app.kubernetes.io/name: podrole-{{ .name }} } }
    {{- if $ha }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
securityContext:
  runAsNonRoot: true
  {{- if not $values.openshift.enabled }}
  runAsUser: 65532
  runAsGroup: 65532
  {{- end }}
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* Fields that every podrole container has. dict: root, name */}}
{{- define "podrole.container" -}}
{{- $values := .root.Values }}{{ $program := index $values .name -}}
image: {{ include "podrole.image" (list .root $values.image) }}
{{- with $values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
args: [{{ .name }}]
envFrom:
  - configMapRef: { name: podrole-common }
  - configMapRef: { name: podrole-{{ .name }} }
  {{- if and $values.try.enabled (eq .name "server") }}
  - secretRef: { name: podrole-try-key }
  {{- end }}
  {{- range $program.extraEnvFrom }}
  - {{ toJson . }}
  {{- end }}
{{- with $program.extraEnv }}
env: {{ toJson . }}
{{- end }}
startupProbe: { httpGet: { path: /healthz, port: pages }, periodSeconds: 1, failureThreshold: 300 }
livenessProbe: { httpGet: { path: /healthz, port: pages }, timeoutSeconds: 10, failureThreshold: 6 }
readinessProbe: { httpGet: { path: /readyz, port: pages }, periodSeconds: 2, timeoutSeconds: 5 }
securityContext:
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
  readOnlyRootFilesystem: true
resources: {{ toJson $program.resources }}
{{- end }}

{{/* The beginning of a Deployment, up to the pod template's spec. dict: root, name */}}
{{- define "podrole.deployment" -}}
{{- $values := .root.Values }}{{ $program := index $values .name }}{{ $ha := $values.ha.enabled -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: podrole-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    app.kubernetes.io/name: podrole-{{ .name }}
    {{- include "podrole.labels" .root | nindent 4 }}
spec:
  replicas: {{ if $values.try.enabled }}1{{ else }}{{ ternary 3 $program.replicas $ha }}{{ end }}
  selector: { matchLabels: { app.kubernetes.io/name: podrole-{{ .name }} } }
  strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: {{ ternary 1 0 $ha }} } }
  template:
    metadata:
      labels:
        {{- with $program.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        app.kubernetes.io/name: podrole-{{ .name }}
        app.kubernetes.io/part-of: podrole
        {{- if $values.try.enabled }}
        podrole.io/try: "true"
        {{- end }}
      annotations:
        # Settings are read at start: new ones are a new revision.
        checksum/settings: {{ printf "%s%s" (include "podrole.settings" (dict "root" .root "name" "common")) (include "podrole.settings" .) | sha256sum }}
        {{- with $program.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "podrole.podSpec" . | nindent 6 }}
{{- end }}

{{/* PodDisruptionBudget and ConfigMap of a program. dict: root, name */}}
{{- define "podrole.companions" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: podrole-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "podrole.labels" .root | nindent 4 }}
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app.kubernetes.io/name: podrole-{{ .name }} } }
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: podrole-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "podrole.labels" .root | nindent 4 }}
data:
  {{- include "podrole.settings" . | nindent 2 }}
{{- end }}

{{/* Selects the namespaces whose pods podrole injects. */}}
{{- define "podrole.namespaceSelector" -}}
matchLabels: { podrole.io/inject: enabled{{ if .Values.try.enabled }}, podrole.io/try: "true"{{ end }} }
matchExpressions:
  - { key: kubernetes.io/metadata.name, operator: NotIn, values: [{{ .Release.Namespace }}, {{ include "podrole.systemNamespaces" . }}] }
{{- end }}

{{/* Settings of a try installation, by ConfigMap, as JSON. manifests/overlays/try/installation explains them. */}}
{{- define "podrole.trySettings" -}}
{{- $common := dict "region" "us-east-1" "roleBaseArnAutodetect" true }}
{{- $server := dict "stsEndpoint" "http://podrole-try-sts.podrole-try.svc:4566" "allowInsecureStsEndpoint" true "instanceMetadata" "http://127.0.0.1:1" "webhookConfiguration" "podrole-try" }}
{{- dict "common" $common "server" $server "webhook" dict | toJson }}
{{- end }}

{{/* Fails unless a try installation stays apart from AWS and from every other installation of podrole. */}}
{{- define "podrole.checkTry" -}}
{{- if ne .Release.Namespace "podrole-try" }}
{{- fail (printf "Cannot install podrole with try.enabled: the namespace is %q; expected podrole-try" .Release.Namespace) }}
{{- end }}
{{- range $name, $value := dict "settings.roleBaseArn" (include "podrole.policy" . | fromJson).roleBaseArn "server.settings.stsEndpoint" .Values.server.settings.stsEndpoint "server.settings.assumeRoleArn" .Values.server.settings.assumeRoleArn "server.settings.credentialProcess" .Values.server.settings.credentialProcess "server.serviceAccount.annotations" .Values.server.serviceAccount.annotations }}
{{- if $value }}
{{- fail (printf "Cannot install podrole with try.enabled: %s is set; expected no value, because STS is emulated" $name) }}
{{- end }}
{{- end }}
{{- range $configuration := (lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" "").items }}
{{- range $webhook := $configuration.webhooks }}
{{- if eq $webhook.name "pods.podrole.io" }}
{{- fail (printf "Cannot install podrole with try.enabled: podrole is installed in this cluster (MutatingWebhookConfiguration %q); expected a cluster without podrole" $configuration.metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

#!/bin/bash
# Asserts, on a running cluster of node.sh, everything that podrole's tests assume about Kubernetes. Prints `ok` for each
# assertion and stops at the first failure. Requires busybox.tar, node.tar and node-busybox.tar to be loaded.
#
# usage: smoke.sh DIR
set -euo pipefail
dir=$(realpath "${1:?usage: smoke.sh DIR}")
cd "$(dirname "$(realpath "$0")")/smoke"
set -a
# shellcheck disable=SC1091 # written by node.sh
. "$dir/environment"
set +a

k() { "$KUBECTL" "$@"; }
ok() { echo "ok   $*"; }
fail() {
  echo "FAIL $*" >&2
  k get pods --all-namespaces --output=wide >&2
  k get events --all-namespaces --field-selector=type=Warning >&2
  exit 1
}
eventually() { # SECONDS COMMAND...
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || return 1
    sleep 0.5
  done
}

work=$(mktemp -d)
clean_up() { # FLAG
  k delete mutatingwebhookconfiguration smoke-webhook --ignore-not-found >/dev/null
  k delete namespace smoke-webhook smoke-injected smoke-restricted --ignore-not-found "$1" >/dev/null
}
trap 'rm -rf "$work"; clean_up --wait=false' EXIT
clean_up --wait=true # of an earlier run

# --- a webhook that runs in the cluster

webhook=webhook.smoke-webhook.svc
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$webhook" \
  -addext "subjectAltName=DNS:$webhook" -keyout "$work/key" -out "$work/certificate" 2>/dev/null
k create namespace smoke-webhook >/dev/null
k -n smoke-webhook create secret tls webhook --cert="$work/certificate" --key="$work/key" >/dev/null
k -n smoke-webhook create configmap webhook --from-file=webhook.ts >/dev/null
sed "s|CA_BUNDLE|$(base64 -w0 "$work/certificate")|" webhook.yaml | k apply -f - >/dev/null
k -n smoke-webhook rollout status deployment/webhook --timeout=60s >/dev/null || fail "Deployment of the webhook"
ok "the Deployment of a webhook is ready: ConfigMap, Secret, HTTPS probe"

# The API server applies a new webhook configuration after a short delay.
is_injected() {
  [[ $(k -n smoke-injected run probe --image=localhost/busybox:1 --dry-run=server \
    --output=jsonpath='{.spec.initContainers[0].name}') == injected ]]
}
eventually 10 is_injected || fail "no injection"
k apply -f job.yaml >/dev/null
k -n smoke-injected wait job/job --for=condition=Complete --timeout=60s >/dev/null || fail "Job"
ok "API server -> Service -> webhook's pod: a native sidecar is injected, and the Job completes"

[[ $(k -n smoke-injected logs job/job -c main) == hello-from-sidecar ]] || fail "logs"
ok "the sidecar started before the main container; logs"

pod=$(k -n smoke-webhook get pod -l app=webhook --output=jsonpath='{.items[0].metadata.name}')
k -n smoke-webhook exec "$pod" -- node --eval \
  "fetch('https://$webhook').then((answer) => process.exit(answer.status === 200 ? 0 : 1))" || fail "fetch in a pod"
ok "exec, DNS, a Service from one of its own pods"

# --- a pod under PodSecurity `restricted`

k apply -f restricted.yaml >/dev/null
k -n smoke-restricted wait pod/full --for=condition=Ready --timeout=60s >/dev/null || fail "restricted pod"
ok "restricted pod: init container, sidecar with startup probe, projected token, memory volumes, read-only root"

token=$(k -n smoke-restricted exec full -c sidecar -- cat /var/run/token/token)
review() { # JSONPATH: prints the selected part of the review's status
  local spec='{"token":"%s","audiences":["podrole.io"]}'
  # shellcheck disable=SC2059 # the format string is the request
  printf '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":'"$spec}" "$token" |
    k create -f - --output=jsonpath="{.status$1}"
}
[[ $(review '.user.extra.authentication\.kubernetes\.io/pod-name[0]') == full ]] || fail "TokenReview"
ok "TokenReview names the token's pod"

! k -n smoke-restricted run plain --image=localhost/busybox:1 >/dev/null 2>&1 || fail "PodSecurity"
ok "PodSecurity denies a plain pod"

grep -q '"level":"RequestResponse".*"verb":"create".*"name":"full"' "$AUDIT_LOG" || fail "audit log"
ok "the audit log contains the pod's creation"

k -n smoke-restricted delete pod full >/dev/null
is_rejected() { [[ -n $(review .error) ]]; }
eventually 30 is_rejected || fail "token valid after the deletion of its pod"
ok "the token becomes invalid after the deletion of its pod (within 10 s: the API server caches reviews)"

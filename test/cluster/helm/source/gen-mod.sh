#!/bin/bash
# Writes go.mod and go.sum for a release of Helm. Needs the Go module proxy.
#
# usage: gen-mod.sh 3.22.0
#
# Helm's program is a package main, which no program can import, so this module declares it as a tool. Every requirement
# is copied from the release, so the program has exactly the release's dependencies.
set -euo pipefail
cd "$(dirname "$0")"

helm=${1:?usage: gen-mod.sh <Helm version>}
release=$(go mod download -json "helm.sh/helm/v3@v$helm" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')

{
  printf 'module e2e.local/helm\n\n'
  grep -E '^(go|godebug) ' "$release/go.mod"
  printf '\ntool helm.sh/helm/v3/cmd/helm\n\nrequire helm.sh/helm/v3 v%s\n\n' "$helm"
  sed -n '/^require (/,/^)/p' "$release/go.mod"
  sed -n '/^replace/,/^)/p' "$release/go.mod"
} >go.mod
install -m 644 "$release/go.sum" go.sum
# Adds the checksums of Helm itself and removes none that the program needs.
go list -mod=mod -deps helm.sh/helm/v3/cmd/helm >/dev/null

#!/bin/bash
# Writes the module files for a release of Kubernetes. Needs the Go module proxy.
#
# usage: gen-mod.sh 1.37.2 1.14.6   go.mod and go.sum, here and in dns/: the default release, and a release of CoreDNS
#        gen-mod.sh 1.34.4          1.34.mod and 1.34.sum: a further release, which uses the same CoreDNS
#
# Kubernetes cannot be required directly: its go.mod gives the staging modules (k8s.io/api and so on) version v0.0.0 and
# replaces them by folders. This script replaces each by its published version and copies every other requirement, so the
# programs have exactly the release's dependencies.
# Choose a CoreDNS whose dependencies are no newer than those of Kubernetes: both then share compiled packages (18 s
# instead of minutes).
set -euo pipefail
cd "$(dirname "$0")"

kubernetes=${1:?usage: gen-mod.sh <Kubernetes version> [<CoreDNS version>]}
coredns=${2:-}
staging=v0.${kubernetes#*.}
files=go
[[ $coredns ]] || files=${kubernetes%.*}
release=$(go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')

{
  printf 'module e2e.local/kube\n\n'
  grep -E '^(go|godebug) ' "$release/go.mod"
  printf '\nrequire k8s.io/kubernetes v%s\n\n' "$kubernetes"
  sed -n '/^require (/,/^)/p' "$release/go.mod" | sed "s# v0\.0\.0\( \|\$\)# $staging\1#"
  printf '\nreplace (\n'
  sed -n "s#^\t\(k8s.io/[^ ]*\) => ./staging.*#\t\1 => \1 $staging#p" "$release/go.mod"
  printf ')\n'
} >"$files.mod"
install -m 644 "$release/go.sum" "$files.sum"
# Adds what main.go needs beyond the release: checksums of the staging modules, and etcd's server as a direct requirement.
go list -mod=mod -modfile="$files.mod" -deps . >/dev/null
[[ $coredns ]] || exit 0

cd dns
cp ../go.mod ../go.sum .
go mod edit -module e2e.local/dns
go get "github.com/coredns/coredns@v$coredns"
go list -mod=mod -deps . >/dev/null

#!/bin/bash
# Builds Helm from source/, once for a machine, and prints the folder that holds it. When it is there already it only
# prints, and needs no network.
#
# usage: build.sh
#
# PODROLE_CACHE  where built things are kept (default $XDG_CACHE_HOME/podrole, ~/.cache/podrole)
# GOMAXPROCS     how many packages Go compiles at once (default: one for each processor)
set -euo pipefail
cd "$(dirname "$0")/source"

if ! command -v go >/dev/null; then
  echo "Cannot build Helm: go is not in PATH, Go 1.26 or newer is wanted" >&2
  exit 1
fi

# A build is named by everything that goes into it: another Go or another dependency is another folder.
key=$({ sha256sum go.mod go.sum; go version; } | sha256sum | cut -c1-16)
cache=${PODROLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podrole}/helm
out=$cache/$key

if [[ ! -d $out ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock --nonblock 9 || { echo "waiting for another build.sh" >&2; flock 9; }
fi
if [[ -d $out ]]; then
  echo "$out"
  exit
fi

work=$(mktemp -d "$cache/building.XXXXXX")
compiler=
trap 'kill ${compiler:+"$compiler"} 2>/dev/null || true; rm -rf "$work"' EXIT

# What the release's own build sets: charts ask for the version of Helm, and `helm template` and `helm lint` take the
# version of its client for that of the cluster.
version=$(sed -n 's/^require helm.sh\/helm\/v3 //p' go.mod)
minor=$(sed -n 's/^\tk8s.io\/client-go v0\.\([0-9]*\)\..*/\1/p' go.mod)
flags="-s -w -X helm.sh/helm/v3/internal/version.version=$version"
for package in lint/rules chartutil; do
  flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$minor"
done

echo "building Helm $version: about 2 minutes on two cores, unless Go's build cache has it" >&2
CGO_ENABLED=0 nice go build -mod=readonly -trimpath -buildvcs=false -ldflags "$flags" \
  -o "$work/helm" helm.sh/helm/v3/cmd/helm >"$work/log" 2>&1 9>&- &
compiler=$!
SECONDS=0
while kill -0 "$compiler" 2>/dev/null; do
  sleep 1
  ((SECONDS % 20 != 0)) || echo "helm: $SECONDS s" >&2
done
if ! wait "$compiler"; then
  tail -n 20 "$work/log" >&2
  echo "Cannot build Helm: the compiler failed, see above" >&2
  exit 1
fi
compiler=
echo "helm: built in $SECONDS s" >&2
rm "$work/log"
chmod 755 "$work"
mv "$work" "$out"
echo "$out"

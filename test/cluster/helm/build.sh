#!/bin/bash
# Builds Helm from source/, once per machine, and prints the folder that contains it. If it is built already, it only
# prints the folder and needs no network.
#
# usage: build.sh
#
# PODROLE_CACHE  where build results are stored (default $XDG_CACHE_HOME/podrole, ~/.cache/podrole)
# GOMAXPROCS     how many packages Go compiles at once (default: the number of processors)
set -euo pipefail
cd "$(dirname "$0")/source"

if ! command -v go >/dev/null; then
  echo "Cannot build Helm: go is not in PATH; expected Go 1.26 or newer" >&2
  exit 1
fi

# The folder's name is a hash of all inputs: another Go or another dependency results in another folder.
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

# The release's own build sets these: charts read the version of Helm, and `helm template` and `helm lint` use the version
# of its Kubernetes client as that of the cluster.
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

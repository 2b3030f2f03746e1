#!/bin/bash
# Builds Kubernetes (with etcd and kubectl, one binary) and CoreDNS from source/, once per machine, and prints the folder
# that contains kube, kubectl and coredns. If they are built already, it only prints the folder and needs no network.
#
# usage: build.sh
#
# PODROLE_CACHE  where build results are stored (default $XDG_CACHE_HOME/podrole, ~/.cache/podrole)
# GOMAXPROCS     how many packages Go compiles at once (default: the number of processors); the linker needs 3.3 GB
set -euo pipefail
cd "$(dirname "$0")/source"

if ! command -v go >/dev/null; then
  echo "Cannot build Kubernetes: go is not in PATH; expected Go 1.26 or newer" >&2
  exit 1
fi

# The folder's name is a hash of all inputs: another Go or another dependency results in another folder.
key=$({ sha256sum go.mod go.sum main.go dns/go.mod dns/go.sum dns/main.go; go version; } | sha256sum | cut -c1-16)
cache=${PODROLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podrole}/kubernetes
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

# Static binaries, because they run inside other mount namespaces; no local paths or state of this git tree, so that the
# result depends only on source/; go.mod is never changed; `nice` gives other programs on the machine priority.
compile() { # NAME FOLDER LINKER-FLAGS
  local name=$1 folder=$2 flags=$3 total next=0
  total=$(go list -C "$folder" -mod=readonly -deps . | wc -l)
  CGO_ENABLED=0 nice go build -C "$folder" -v -mod=readonly -trimpath -buildvcs=false \
    -ldflags "-s -w $flags" -o "$work/$name" . 2>"$work/$name.log" 9>&- &
  compiler=$!
  SECONDS=0
  while kill -0 "$compiler" 2>/dev/null; do
    if ((SECONDS >= next)); then
      # -v prints each compiled package, but not those in Go's build cache.
      echo "$name: $SECONDS s, $(grep -vc '^go: ' "$work/$name.log" || true) of at most $total packages compiled" >&2
      next=$((SECONDS + 20))
    fi
    sleep 0.5
  done
  if ! wait "$compiler"; then
    tail -n 20 "$work/$name.log" >&2
    echo "Cannot build $name: the compiler failed, see above" >&2
    exit 1
  fi
  compiler=
  echo "$name: built in $SECONDS s" >&2
  rm "$work/$name.log"
}

# The release's own build sets its version like this; without it the API server reports v0.0.0, which breaks clients that
# check the version.
version=$(sed -n 's/^require k8s.io\/kubernetes v//p' go.mod)
minor=${version#*.}
flags=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
  flags+=" -X $package.gitTreeState=clean"
done

echo "building Kubernetes $version and CoreDNS: about 8 minutes on two cores, unless Go's build cache has it" >&2
compile kube . "$flags"
compile coredns dns ""
ln -s kube "$work/kubectl" # main.go runs the program that it is invoked as
chmod 755 "$work"
mv "$work" "$out"
echo "$out"

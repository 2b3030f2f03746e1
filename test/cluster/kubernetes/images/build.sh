#!/bin/bash
# Builds the images of the tests from packages only and prints the folder that contains them as docker-archives:
#
#   pause.tar         localhost/pause:1           the first process of each pod; node.sh loads it itself
#   busybox.tar       localhost/busybox:1         a shell and its tools
#   node.tar          localhost/node:26           Node, its shared libraries and CA certificates: a base for
#                                                 Dockerfiles; no shell, user 65532
#   node-busybox.tar  localhost/node:26-busybox   the same with a shell and its tools, for test apps
#
# The host "localhost" is not a registry, so these names are never pulled from one. No tag is "latest", because Kubernetes
# always pulls that tag.
#
# usage: build.sh
#
# PODROLE_CACHE  where build results are stored (default $XDG_CACHE_HOME/podrole, ~/.cache/podrole)
set -euo pipefail
cd "$(dirname "$0")"

node=$(realpath -m ../../../../node_modules/.bin/node)
certificates=/etc/ssl/certs/ca-certificates.crt
die() {
  echo "Cannot build images: $*" >&2
  exit 1
}
[[ -x $node ]] || die "$node is missing; expected \`npm ci\` to have installed it"
[[ -f $certificates ]] || die "$certificates is missing; expected packages.sh to have installed it"
for tool in go busybox strip; do
  command -v $tool >/dev/null || die "$tool is not in PATH; expected packages.sh to have installed it (or, for Go, an installed Go)"
done
busybox=$(command -v busybox)
if ldd "$busybox" >/dev/null 2>&1; then
  die "$busybox needs shared libraries; expected the package busybox-static"
fi

mapfile -t libraries < <(ldd "$node" | grep -o '/[^ ]*')

# As in ../../build-lib.sh: the folder's name is a hash of all inputs.
key=$({
  cat build.sh archive.sh pause/main.go "$busybox" "$certificates" "${libraries[@]}"
  "$node" --version
  go version
} | sha256sum | cut -c1-16)
cache=${PODROLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podrole}/images
out=$cache/$key
if [[ -d $out ]]; then
  echo "$out"
  exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/out"

root() { # NAME: the start of a root file system
  mkdir -p "$work/$1"/{app,bin,etc/ssl/certs,tmp,usr/local/bin}
  chmod 1777 "$work/$1/tmp"
  printf 'root:x:0:0:root:/:/bin/sh\nnonroot:x:65532:65532:nonroot:/app:/bin/sh\n' >"$work/$1/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$work/$1/etc/group"
  # Without it some versions of glibc query DNS before /etc/hosts, where the kubelet writes the pod's own name.
  printf 'hosts: files dns\n' >"$work/$1/etc/nsswitch.conf"
}
add_busybox() { # NAME
  local applet
  cp "$busybox" "$work/$1/bin/busybox"
  for applet in $(busybox --list); do
    [[ $applet == busybox ]] || ln -sf busybox "$work/$1/bin/$applet"
  done
}
path='"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]'

echo "building images" >&2
mkdir "$work/pause"
CGO_ENABLED=0 GO111MODULE=off go build -trimpath -ldflags '-s -w' -o "$work/pause/pause" pause/main.go
./archive.sh "$work/pause" localhost/pause:1 "$work/out/pause.tar" '{"Entrypoint":["/pause"],"User":"65535:65535"}'

root busybox
add_busybox busybox
./archive.sh "$work/busybox" localhost/busybox:1 "$work/out/busybox.tar" "{\"Cmd\":[\"sh\"],$path}"

root node
strip -o "$work/node/usr/local/bin/node" "$node" # the package's binary includes 150 MB of debug information
for library in "${libraries[@]}"; do
  mkdir -p "$work/node$(dirname "$library")"
  cp -L "$library" "$work/node$library"
done
# Where distroless images have it.
mkdir -p "$work/node/nodejs/bin"
ln -s /usr/local/bin/node "$work/node/nodejs/bin/node"
cp "$certificates" "$work/node/etc/ssl/certs/"
config="{\"Cmd\":[\"node\"],$path,\"WorkingDir\":\"/app\",\"User\":\"65532:65532\"}"
./archive.sh "$work/node" localhost/node:26 "$work/out/node.tar" "$config"
add_busybox node
./archive.sh "$work/node" localhost/node:26-busybox "$work/out/node-busybox.tar" "$config"

chmod 755 "$work/out"
mv --no-target-directory "$work/out" "$out" 2>/dev/null || [[ -d $out ]] # another build may have finished first
echo "$out"

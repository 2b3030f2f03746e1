#!/bin/bash
# Packs a folder as a container image of one layer, without any container tool: a docker-archive, the format of
# `docker save`, which docker, podman and containerd load. The same folder always gives the same bytes.
#
# usage: archive.sh FOLDER NAME:TAG OUT.tar CONFIG
#
# CONFIG is the image's configuration in JSON: {"Cmd": [...], "Env": [...], "User": "...", ...}
set -euo pipefail
folder=$1 name=$2 out=$3 config=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pack() { tar --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 "$@"; }
digest() { sha256sum "$1" | cut -d' ' -f1; }

pack -C "$folder" -cf "$work/layer.tar" .
cat >"$work/config.json" <<JSON
{
  "architecture": "$(go env GOARCH)",
  "os": "linux",
  "config": $config,
  "rootfs": { "type": "layers", "diff_ids": ["sha256:$(digest "$work/layer.tar")"] },
  "history": [{ "created_by": "archive.sh" }]
}
JSON
id=$(digest "$work/config.json") # inside the archive, an image is named by the digest of its configuration
mv "$work/config.json" "$work/$id.json"
echo "[{\"Config\":\"$id.json\",\"RepoTags\":[\"$name\"],\"Layers\":[\"layer.tar\"]}]" >"$work/manifest.json"
pack -C "$work" -cf "$out" manifest.json "$id.json" layer.tar

#!/bin/bash
# Builds KWOK from source/, once per machine, and prints the folder that contains it, and its stages for nodes and pods: a
# program that reports pods of nodes without a kubelet as running. If it is built already, it only prints the folder and
# needs no network.
#
# usage: build.sh
#
# ../build-lib.sh has the variables that it reads.
set -euo pipefail
cd "$(dirname "$0")/source"
# shellcheck source=test/cluster/build-lib.sh
source ../../build-lib.sh

begin_build KWOK kwok go.mod go.sum ../build.sh

version=$(sed -n 's/^require sigs.k8s.io\/kwok v//p' go.mod)
echo "building KWOK $version: about 3 minutes on two cores, unless Go's build cache has it" >&2
compile kwok . sigs.k8s.io/kwok/cmd/kwok ""
release=$(go list -mod=readonly -m -f '{{.Dir}}' sigs.k8s.io/kwok)
for stage in node/fast/node-initialize pod/fast/pod-ready pod/fast/pod-delete; do
  echo ---
  cat "$release/kustomize/stage/$stage.yaml"
done >"$work/stages.yaml"
finish_build

#!/bin/bash
# Builds Helm from source/, once per machine, and prints the folder that contains it. If it is built already, it only
# prints the folder and needs no network.
#
# usage: build.sh
#
# ../build-lib.sh has the variables that it reads.
set -euo pipefail
cd "$(dirname "$0")/source"
# shellcheck source=test/cluster/build-lib.sh
source ../../build-lib.sh

begin_build Helm helm go.mod go.sum

# The release's own build sets these: charts read the version of Helm, and `helm template` and `helm lint` use the version
# of its Kubernetes client as that of the cluster.
version=$(sed -n 's/^require helm.sh\/helm\/v3 //p' go.mod)
minor=$(sed -n 's/^\tk8s.io\/client-go v0\.\([0-9]*\)\..*/\1/p' go.mod)
flags="-X helm.sh/helm/v3/internal/version.version=$version"
for package in lint/rules chartutil; do
  flags+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$minor"
done

echo "building Helm $version: about 2 minutes on two cores, unless Go's build cache has it" >&2
compile helm . helm.sh/helm/v3/cmd/helm "$flags"
finish_build

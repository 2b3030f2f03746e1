#!/bin/bash
# Builds Kubernetes (with etcd and kubectl, one binary) and CoreDNS from source/, once per machine, and prints the folder
# that contains kube, kubectl and coredns. If they are built already, it only prints the folder and needs no network.
#
# usage: build.sh
#
# ../build-lib.sh has the variables that it reads. The linker needs 3.3 GB.
set -euo pipefail
cd "$(dirname "$0")/source"
# shellcheck source=test/cluster/build-lib.sh
source ../../build-lib.sh

begin_build Kubernetes kubernetes go.mod go.sum main.go dns/go.mod dns/go.sum dns/main.go

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
compile kube . . "$flags"
compile coredns dns . ""
ln -s kube "$work/kubectl" # main.go runs the program that it is invoked as
finish_build

#!/bin/bash
# Builds Kubernetes (with etcd and kubectl, one binary) and CoreDNS from source/, once per machine, and prints the folder
# that contains kube, kubectl and coredns. If they are built already, it only prints the folder and needs no network.
#
# usage: build.sh [MINOR]   MINOR: another release that source/ has module files for: 1.34
#
# PODROLE_KUBERNETES  MINOR, if there is no argument; default: the release of source/go.mod
#
# ../build-lib.sh has the other variables that it reads. The linker needs 3.3 GB.
set -euo pipefail
cd "$(dirname "$0")/source"
# shellcheck source=test/cluster/build-lib.sh
source ../../build-lib.sh

version_in() { # MODULE-FILE
  sed -n 's/^require k8s.io\/kubernetes v//p' "$1"
}

minor=${1:-${PODROLE_KUBERNETES:-}} module=go version=$(version_in go.mod)
if [[ $minor && $minor != "${version%.*}" ]]; then
  module=$minor
  if [[ ! -f $module.mod ]]; then
    known=([0-9]*.mod)
    echo "Cannot build Kubernetes: source/ has no module files for $module; expected ${version%.*} or ${known[*]%.mod}" >&2
    exit 1
  fi
  version=$(version_in "$module.mod")
fi

begin_build Kubernetes kubernetes "$module.mod" "$module.sum" main.go dns/go.mod dns/go.sum dns/main.go

# The release's own build sets its version like this; without it the API server reports v0.0.0, which breaks clients that
# check the version.
minor=${version#*.}
flags=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
  flags+=" -X $package.gitTreeState=clean"
done

echo "building Kubernetes $version and CoreDNS: about 8 minutes on two cores, unless Go's build cache has it" >&2
compile kube . . "$flags" "$module.mod"
compile coredns dns . ""
ln -s kube "$work/kubectl" # main.go runs the program that it is invoked as
finish_build

#!/bin/bash
# Builds cosign from source/, once per machine, and prints the folder that contains it. If it is built already, it only prints
# the folder and needs no network.
#
# usage: build.sh
#
# test/cluster/build-lib.sh has the variables that it reads.
set -euo pipefail
cd "$(dirname "$0")/source"
# shellcheck source=test/cluster/build-lib.sh
source ../../../../test/cluster/build-lib.sh

begin_build cosign cosign go.mod go.sum

# The release's own build sets the version.
version=$(sed -n 's/^require github.com\/sigstore\/cosign\/v3 //p' go.mod)

echo "building cosign $version: about 5 minutes on two cores, unless Go's build cache has it" >&2
compile cosign . github.com/sigstore/cosign/v3/cmd/cosign "-X sigs.k8s.io/release-utils/version.gitVersion=$version"
finish_build

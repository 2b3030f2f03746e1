#!/bin/bash
# Writes go.mod and go.sum for a release of KWOK. Needs the Go module proxy.
#
# usage: gen-mod.sh 0.8.0
set -euo pipefail
cd "$(dirname "$0")"

exec ../../gen-tool-mod.sh kwok sigs.k8s.io/kwok "${1:?usage: gen-mod.sh <KWOK version>}" sigs.k8s.io/kwok/cmd/kwok

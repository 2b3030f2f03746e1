#!/bin/bash
# Writes go.mod and go.sum for a release of cosign. Needs the Go module proxy.
#
# usage: gen-mod.sh 3.1.3
set -euo pipefail
cd "$(dirname "$0")"

module=github.com/sigstore/cosign/v3
exec ../../../../test/cluster/gen-tool-mod.sh cosign $module "${1:?usage: gen-mod.sh <cosign version>}" $module/cmd/cosign

#!/bin/bash
# Writes go.mod and go.sum for a release of Helm. Needs the Go module proxy.
#
# usage: gen-mod.sh 3.22.0
set -euo pipefail
cd "$(dirname "$0")"

exec ../../gen-tool-mod.sh helm helm.sh/helm/v3 "${1:?usage: gen-mod.sh <Helm version>}" helm.sh/helm/v3/cmd/helm

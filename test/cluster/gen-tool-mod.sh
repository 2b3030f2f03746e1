#!/bin/bash
# Writes go.mod and go.sum for a release of a Go program, into the current folder. Needs the Go module proxy.
#
# usage: gen-tool-mod.sh NAME MODULE VERSION PACKAGE
#
# The program is a package main, which no program can import, so the module declares it as a tool. Every requirement is copied
# from the release, so the program has exactly the release's dependencies.
set -euo pipefail
name=$1 module=$2 version=$3 package=$4

release=$(go mod download -json "$module@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')

{
  printf 'module e2e.local/%s\n\n' "$name"
  grep -E '^(go|godebug) ' "$release/go.mod"
  printf '\ntool %s\n\nrequire %s v%s\n\n' "$package" "$module" "$version"
  sed -n '/^require (/,/^)/p' "$release/go.mod"
  sed -n '/^replace/,/^)/p' "$release/go.mod"
} >go.mod
install -m 644 "$release/go.sum" go.sum
# Adds the checksums of the program itself and removes none that it needs.
go list -mod=mod -deps "$package" >/dev/null

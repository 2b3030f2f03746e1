#!/bin/bash
# Installs the missing packages that the scripts here need, from Debian or Ubuntu. Prints nothing if none is missing.
#
# usage: packages.sh [podman] [buildah]      the arguments also install tools that build images from Dockerfiles
set -euo pipefail

missing=()
# A package counts as installed if the file that the scripts use exists: it may have another source.
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
need libfaketime /usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1
for tool in "$@"; do
  case $tool in
    podman | buildah) need "$tool" "$tool" ;;
    *) echo "usage: packages.sh [podman] [buildah]" >&2 && exit 2 ;;
  esac
done
((${#missing[@]})) || exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "Cannot install packages: not root, or apt-get is missing; expected these to be installed: ${missing[*]}" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { # waits if another apt-get is running
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" >>"$log" 2>&1
}
install() { apt install --yes --no-install-recommends "${missing[@]}"; }

echo "installing ${missing[*]}" >&2
# The package lists are usually recent enough, and fetching them takes longer than the packages, so install is tried first.
install || { apt update && install; } || { cat "$log" >&2; exit 1; }

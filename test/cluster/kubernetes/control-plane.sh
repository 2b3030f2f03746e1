#!/bin/bash
# A real Kubernetes control plane on this machine, without a node: etcd, API server, controller manager and scheduler
# as ordinary processes on 127.0.0.1. For tests of admission, RBAC, tokens and everything else that needs no running
# container. Does not need root. Any number can run side by side.
#
# usage: control-plane.sh up DIR      starts a cluster and prints DIR/environment when it is ready
#        control-plane.sh down DIR    stops its processes and removes DIR; does nothing if DIR is missing or empty
#
# PODROLE_APISERVER_PORT   port of the API server (default: a free one)
# PODROLE_APISERVER_FLAGS  additional flags of the API server, separated by spaces; they take precedence over the flags here
#
# DIR/pids/NAME contains a program's pid: `kill -STOP` and `kill -CONT` simulate an outage of etcd, api-server,
# controller-manager or scheduler.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

programs=(scheduler controller-manager api-server etcd) # in the order in which they are stopped

check_alive() {
  local file
  for file in "$dir"/pids/*; do
    is_running "$file" || die "Cannot start the cluster: ${file##*/} exited"
  done
}

stop_programs() {
  local name
  for name in "${programs[@]}"; do kill_process "$dir/pids/$name"; done
}

# Below the range that the kernel assigns to outgoing connections, so that none of them takes the port before its use.
free_port() {
  local port
  while :; do
    port=$((20000 + SRANDOM % 10000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

up() {
  local binaries
  binaries=$("$here/build.sh")
  kube=$binaries/kube
  claim_folder control-plane "$dir"
  mkdir "$dir/pids"
  # A failed start stops the programs that it started and leaves the logs; `down` removes them.
  complete=
  trap '[[ $complete ]] || { show_logs; stop_programs; }' EXIT

  api_address=127.0.0.1 api_port=${PODROLE_APISERVER_PORT:-$(free_port)}
  service_cidr=10.96.0.0/24 service_address=10.96.0.1
  make_credentials
  print_environment >"$dir/environment"
  log_progress "certificates"

  start_etcd
  record "$dir/pids/etcd" $!
  # Endpoints of the Service `kubernetes` must not be loopback addresses, so it gets none.
  start_api_server --bind-address="$api_address" --endpoint-reconciler-type=none
  record "$dir/pids/api-server" $!
  wait_for 60 "API server ready" api /readyz
  start_controller_manager
  record "$dir/pids/controller-manager" $!
  start_scheduler
  record "$dir/pids/scheduler" $!
  # The API server denies pods until this ServiceAccount exists.
  wait_for 30 "default ServiceAccount" api /api/v1/namespaces/default/serviceaccounts/default
  complete=yes
  cat "$dir/environment"
}

down() {
  [[ -n $(ls -A "$dir" 2>/dev/null) ]] || return 0
  claimed_as control-plane "$dir" ||
    die "Cannot stop the cluster: $dir contains no control plane; expected a folder that \`up\` created"
  stop_programs
  rm -rf --one-file-system "$dir"
}

[[ $# == 2 && $1 =~ ^(up|down)$ ]] || die "usage: control-plane.sh up|down DIR"
dir=$(realpath -m "$2")
"$1"

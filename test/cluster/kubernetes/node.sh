#!/bin/bash
# A complete Kubernetes cluster of one node on this machine: the control plane, containerd, kubelet, kube-proxy and
# CoreDNS, all in their own mount, network and process namespaces (like a kind node, without docker). Needs root, and
# cgroup v1 or hybrid. Several can run side by side.
#
# usage: node.sh up DIR                   starts a cluster and prints DIR/environment when the node is ready
#        node.sh load DIR IMAGE.tar...    imports docker or OCI archives, because there is no registry
#        node.sh exec DIR COMMAND...      runs a command in the node's namespaces: ctr, iptables-save, ss, ...
#        node.sh restart-kubelet DIR      ends the kubelet and starts it again; containers go on running
#        node.sh down DIR                 stops the cluster and removes DIR; does nothing if DIR is missing or empty
#
# PODROLE_APISERVER_FLAGS  additional flags of the API server, separated by spaces; they take precedence over the flags here
#
# The machine gets a network link podrole<N>, routes to the addresses of pods and Services, and cgroups of the same name;
# `down` removes them. Its own iptables rules, sysctls and folders are not changed.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"

check_alive() {
  is_running "$dir/pids/init" || die "Cannot start the cluster: the node exited"
}

check_machine() {
  local tool
  [[ $(id -u) == 0 ]] || die "Cannot start a node: the user is not root; expected root"
  for tool in containerd runc iptables ip openssl curl unshare nsenter /usr/lib/cni/bridge; do
    command -v "$tool" >/dev/null || die "Cannot start a node: $tool is missing; expected packages.sh to have installed it"
  done
  # The node's cgroups are created in the hierarchies of cgroup v1: see inside-node.sh.
  [[ -d /sys/fs/cgroup/memory ]] ||
    die "Cannot start a node: the machine has only cgroup v2; expected v1 or hybrid (use a kind cluster instead)"
  # Without it kube-proxy's rules do not see packets between two pods on the bridge, so a reply from a Service would come
  # from the address of its pod.
  [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] ||
    die "Cannot start a node: bridged packets bypass iptables; expected \`modprobe br_netfilter\`"
  # inside-node.sh mounts other file systems over these folders.
  [[ ! $dir/ =~ ^/(run|var/run|var/lib|var/log)/ ]] ||
    die "Cannot start a node: its folder is $dir; expected one outside /run, /var/lib and /var/log"
}

# Claims the first number whose link and networks are unused. Creating the link is the lock: only one caller succeeds.
claim_network() {
  local number network problem=
  for number in {0..31}; do
    name=podrole$number
    host_ip=10.250.$number.1 node_ip=10.250.$number.2
    pod_cidr=10.244.$number.0/24 service_cidr=10.96.$number.0/24
    for network in "10.250.$number.0/24" "$pod_cidr" "$service_cidr"; do
      [[ -z $(ip -4 route show root "$network") ]] || continue 2
    done
    problem=$(ip link add "$name" type veth peer name "${name}n" 2>&1) && return
  done
  die "Cannot start a node: podrole0 to podrole31 are in use; expected a free one ${problem:+($problem)}"
}

stop_node() {
  local link number
  # The init process of a PID namespace exits only after all other processes in it, so there are none left to find.
  kill_process "$dir/pids/init"
  kill_process "$dir/pids/holder"
  link=$(sed -n 's/^LINK=//p' "$dir/environment" 2>/dev/null || true)
  [[ $link ]] || return 0
  ip link delete "$link" 2>/dev/null || true # the kernel deletes a network namespace's links, but some time later
  for number in {1..50}; do                  # the kernel removes a process from its cgroup shortly after its exit
    find /sys/fs/cgroup/*/"$link" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [[ -n $(compgen -G "/sys/fs/cgroup/*/$link") ]] || return 0
    sleep 0.1
  done
  die "Cannot remove the node's cgroups: /sys/fs/cgroup/*/$link has processes after 5 s; expected none ($number)"
}

up() {
  local binaries images holder init
  check_machine
  binaries=$("$here/build.sh")
  images=$("$here/images/build.sh")
  claim_folder node "$dir"
  mkdir "$dir"/{pids,containerd,kubelet,conf/cni,log/pods}
  # A failed start stops the programs that it started and leaves the logs; `down` removes them.
  complete=
  trap '[[ $complete ]] || { show_logs; stop_node; }' EXIT

  claim_network
  kube=$binaries/kube coredns=$binaries/coredns pause_image=$images/pause.tar
  api_address=$node_ip api_port=6443 service_address=${service_cidr%.0/24}.1
  print_environment >"$dir/environment"
  cat >>"$dir/environment" <<ENVIRONMENT
IMAGES=$images
LINK=$name
HOST_IP=$host_ip
NODE_IP=$node_ip
POD_CIDR=$pod_cidr
SERVICE_CIDR=$service_cidr
ENVIRONMENT
  make_credentials
  make_certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
  make_certificate kubelet /O=system:nodes/CN=system:node:node "DNS:node,IP:$node_ip"
  make_certificate proxy /CN=system:kube-proxy
  make_kubeconfig kubelet "$dir/conf/kubelet.kubeconfig"
  make_kubeconfig proxy "$dir/conf/proxy.kubeconfig"
  log_progress "certificates"

  export dir kube coredns pause_image name host_ip node_ip api_address api_port pod_cidr service_cidr
  start inside unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private "$here/inside-node.sh"
  holder=$!
  record "$dir/pids/holder" $holder
  # The child of unshare exists only after its namespaces do: from then on the other end of the link can be moved there.
  until init=$(<"/proc/$holder/task/$holder/children") && [[ $init ]]; do
    is_running "$dir/pids/holder" || die "Cannot start a node: unshare exited; expected the rights to create namespaces"
    sleep 0.02
  done
  record "$dir/pids/init" "${init% }"
  ip link set "${name}n" netns "$holder" name eth0
  ip address add "$host_ip/24" dev "$name"
  ip link set "$name" up
  # Tests on the machine reach pods and Services by their addresses.
  ip route add "$pod_cidr" via "$node_ip" dev "$name"
  ip route add "$service_cidr" via "$node_ip" dev "$name"

  wait_for 200 "API server ready" api /readyz
  wait_for 180 "node registered" api /api/v1/nodes/node
  wait_for 180 "node ready" "$kube" kubectl --kubeconfig="$dir/admin.kubeconfig" --cache-dir="$dir/kubectl-cache" \
    wait node/node --for=condition=Ready --timeout=20s
  wait_for 90 "default ServiceAccount" api /api/v1/namespaces/default/serviceaccounts/default
  wait_for 90 "DNS" eval ": <'/dev/tcp/$node_ip/53'"
  complete=yes
  cat "$dir/environment"
}

enter() { # NAMESPACE-FLAGS... -- COMMAND...
  if ! claimed_as node "$dir" || ! is_running "$dir/pids/init"; then
    die "Cannot enter the node: $dir contains no running node; expected one"
  fi
  local init
  read -r init _ <"$dir/pids/init"
  nsenter --target "$init" "$@"
}

load() { # IMAGE.tar...
  local image
  for image in "$@"; do
    # By stdin, because the node does not see all of the machine's folders.
    enter --mount -- ctr --namespace k8s.io images import - <"$image" >&2
  done
}

restart_kubelet() {
  touch "$dir/restart-kubelet"
  enter --pid -- kill -TERM "$(<"$dir/pids/kubelet")"
  # The file is removed when the next kubelet has been started.
  local until=$((SECONDS + 60))
  while [[ -e $dir/restart-kubelet ]]; do
    check_alive
    ((SECONDS < until)) || die "Cannot restart the kubelet: it runs 60 s after SIGTERM; expected its end"
    sleep 0.05
  done
}

down() {
  [[ -n $(ls -A "$dir" 2>/dev/null) ]] || return 0
  claimed_as node "$dir" || die "Cannot stop the cluster: $dir contains no node; expected a folder that \`up\` created"
  stop_node
  # This also removes the kubeconfig: without the link the machine would send requests for the node to its default gateway.
  rm -rf --one-file-system "$dir"
}

usage="usage: node.sh up|down DIR, node.sh load DIR IMAGE.tar..., node.sh exec DIR COMMAND..., node.sh restart-kubelet DIR"
[[ $# -ge 2 ]] || die "$usage"
verb=$1 dir=$(realpath -m "$2")
shift 2
case $verb:$# in
  up:0 | down:0) "$verb" ;;
  restart-kubelet:0) restart_kubelet ;;
  load:[1-9]*) load "$@" ;;
  exec:[1-9]*) enter --mount --net --pid -- "$@" ;;
  *) die "$usage" ;;
esac

#!/bin/bash
# The first process in the namespaces of a node created by node.sh: prepares them and starts the node's programs. When it
# exits, the kernel kills every process of the node; when one of the programs exits, it exits too, except for a kubelet
# that node.sh restarts.
#
# node.sh passes in the environment: dir kube coredns pause_image name host_ip node_ip api_address api_port pod_cidr
# service_cidr
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"
: "${dir:?}" "${kube:?}" "${coredns:?}" "${pause_image:?}" "${name:?}" "${host_ip:?}" "${node_ip:?}"
: "${api_address:?}" "${api_port:?}" "${pod_cidr:?}" "${service_cidr:?}"

check_alive() {
  local pid
  for pid in "${!started[@]}"; do # the shell reaps exited programs, so no zombie counts as alive
    kill -0 "$pid" 2>/dev/null || die "Cannot start the node: ${started[$pid]} exited"
  done
}

# This mount namespace is private: mounts over the machine's folders to which the programs write.
cover_folders() {
  mount -t tmpfs tmpfs /run # sockets, runc's state, names of network namespaces, the lock of iptables
  mkdir -p /run/lock
  mount -t tmpfs tmpfs /var/lib
  mkdir /var/lib/{containerd,kubelet,cni}
  mount --bind "$dir/containerd" /var/lib/containerd
  mount --bind "$dir/kubelet" /var/lib/kubelet
  mount --make-rshared /var/lib/kubelet # containers that request mount propagation must see the kubelet's mounts
  mount -t tmpfs tmpfs /var/log
  mkdir /var/log/{pods,containers}
  mount --bind "$dir/log/pods" /var/log/pods
}

# The kubelet sets kernel settings that belong to no namespace, so it would change them for the whole machine. Mounts over
# them files that already contain the kubelet's values.
cover_sysctls() {
  local setting file
  mkdir /run/sysctls
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    file=/proc/sys/${setting%=*}
    [[ -e $file ]] || continue
    echo "${setting#*=}" >"/run/sysctls/${file//\//_}"
    mount --bind "/run/sysctls/${file//\//_}" "$file"
  done
}

# Creates a parent of all pods' cgroups in each hierarchy of cgroup v1; node.sh finds and removes it.
make_cgroups() {
  local hierarchy file
  for hierarchy in /sys/fs/cgroup/*/; do
    [[ -L ${hierarchy%/} ]] || mkdir -p "$hierarchy$name" # cpu and cpuacct may be links to one hierarchy
  done
  # A group has the weight of one process by default: on a busy machine all pods together would get as much CPU time as one
  # of the machine's other processes.
  echo 8192 >"/sys/fs/cgroup/cpu/$name/cpu.shares"
  # A new cpuset has neither processors nor memory nodes and accepts no process until it has both.
  for file in cpuset.cpus cpuset.mems; do
    cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$name/$file"
  done
}

set_up_network() {
  ip link set lo up
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done # node.sh moves it into this namespace
  ip address add "$node_ip/24" dev eth0
  ip link set eth0 up
  ip route add default via "$host_ip"
  echo 1 >/proc/sys/net/ipv4/ip_forward # applies only to this network namespace
  # hairpinMode: lets a pod reach itself through its own Service.
  cat >"$dir/conf/cni/10-bridge.conflist" <<JSON
{
  "cniVersion": "0.4.0",
  "name": "podrole",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "ranges": [[{ "subnet": "$pod_cidr" }]],
        "routes": [{ "dst": "0.0.0.0/0" }]
      }
    },
    { "type": "portmap", "capabilities": { "portMappings": true } }
  ]
}
JSON
}

start_containerd() {
  # restrict_oom_score_adj: lowering a process's oom_score_adj requires CAP_SYS_RESOURCE, and the kubelet requests -998
  # for each pod's pause. Without the capability runc crashes ("can't get final child's PID from pipe: EOF"). With this
  # setting containerd requests no value below its own.
  cat >"$dir/conf/containerd.toml" <<TOML
version = 2
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "$dir/conf/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
TOML
  start containerd containerd --config "$dir/conf/containerd.toml"
}

start_kubelet() {
  # resolv.conf for pods whose dnsPolicy does not use the cluster's DNS, such as pods on the host network.
  echo "nameserver $node_ip" >"$dir/conf/resolv.conf"
  # failCgroupV1: since 1.35 the kubelet refuses to start on cgroup v1 by default.
  # cgroupRoot: puts all pods below one cgroup, which node.sh removes.
  # failSwapOn: a test must not turn off the machine's swap.
  # oomScoreAdj: lowering it requires CAP_SYS_RESOURCE; otherwise the kubelet logs an error.
  # evictionHard, imageGCHighThresholdPercent: tests can run on a machine whose disk is nearly full, and a removed image
  # could not be pulled again.
  # syncFrequency: updates files from ConfigMaps and Secrets within 10 s instead of 60 s.
  # InPlacePodLevelResourcesVerticalScaling: if enabled, the kubelet reports in status.resources what it reads from the
  # pod's cgroup, sometimes before it has written there. With cgroup v1 that is a request of 1 CPU for every pod; the
  # scheduler uses it, so 2 pods fill a machine with 2 processors.
  # A kubelet before 1.35 refuses to start with the name of a gate that it does not know.
  # volumePluginDir: the kubelet creates this folder; the default is in the machine's /usr.
  local version gates=
  version=$("$kube" kubelet --version) # Kubernetes v1.37.2
  version=${version#*.}
  ((${version%%.*} < 35)) || gates='InPlacePodLevelResourcesVerticalScaling: false'
  cat >"$dir/conf/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$name
failSwapOn: false
oomScoreAdj: 0
evictionHard: { memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1% }
imageGCHighThresholdPercent: 100
syncFrequency: 10s
featureGates: { $gates }
volumePluginDir: /var/lib/kubelet/volume-plugins
address: $node_ip
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: $dir/conf/resolv.conf
clusterDomain: cluster.local
clusterDNS: [$node_ip]
tlsCertFile: $dir/pki/kubelet.crt
tlsPrivateKeyFile: $dir/pki/kubelet.key
authentication:
  anonymous: { enabled: false }
  webhook: { enabled: true }
  x509: { clientCAFile: $dir/pki/ca.crt }
authorization: { mode: Webhook }
YAML
  start kubelet "$kube" kubelet --config="$dir/conf/kubelet.yaml" --kubeconfig="$dir/conf/kubelet.kubeconfig" \
    --hostname-override=node --node-ip="$node_ip"
  echo $! >"$dir/pids/kubelet" # of this PID namespace
}

start_proxy() {
  # conntrack: its limits are global to the machine and read-only outside the initial network namespace.
  cat >"$dir/conf/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: { kubeconfig: $dir/conf/proxy.kubeconfig }
clusterCIDR: $pod_cidr
hostnameOverride: node
conntrack: { maxPerCore: 0, min: null, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s }
oomScoreAdj: 0
YAML
  start proxy "$kube" kube-proxy --config="$dir/conf/proxy.yaml"
}

start_dns() {
  # A process of the node instead of a Deployment: it needs no image and runs before the first pod. Names outside the
  # cluster do not resolve: a lookup gets NXDOMAIN at once instead of a timeout.
  cat >"$dir/conf/Corefile" <<COREFILE
cluster.local:53 {
  bind $node_ip
  errors
  kubernetes cluster.local {
    kubeconfig $dir/admin.kubeconfig
    ttl 1
  }
}
.:53 {
  bind $node_ip
  template ANY ANY {
    rcode NXDOMAIN
  }
}
COREFILE
  start dns "$coredns" -conf "$dir/conf/Corefile"
}

cover_folders
cover_sysctls
make_cgroups
set_up_network

start_containerd
start_etcd
start_api_server --kubelet-client-certificate="$dir/pki/kubelet-client.crt" \
  --kubelet-client-key="$dir/pki/kubelet-client.key" --kubelet-certificate-authority="$dir/pki/ca.crt" \
  --kubelet-preferred-address-types=InternalIP
wait_for 90 "containerd ready" ctr version
ctr --namespace k8s.io images import "$pause_image"
wait_for 180 "API server ready" api /readyz
start_controller_manager
start_scheduler
start_kubelet
start_proxy
start_dns

# As the first process, the shell also reaps orphaned processes; `wait -n` considers only processes that it started itself.
while :; do
  status=0
  wait -n -p exited || status=$?
  [[ ${started[$exited]} == kubelet && -e $dir/restart-kubelet ]] || break
  unset "started[$exited]"
  start_kubelet
  rm "$dir/restart-kubelet"
done
log_progress "${started[$exited]} exited with status $status: the node stops"

#!/bin/bash
# The first process in the namespaces of a node that node.sh makes: prepares them and starts the node's programs. When
# it ends, the kernel ends them all; when one of them ends, so does it.
#
# Given by node.sh in the environment: dir kube coredns pause_image name host_ip node_ip api_address api_port pod_cidr
# service_cidr
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$(realpath "$0")")/lib.sh"
: "${dir:?}" "${kube:?}" "${coredns:?}" "${pause_image:?}" "${name:?}" "${host_ip:?}" "${node_ip:?}"
: "${api_address:?}" "${api_port:?}" "${pod_cidr:?}" "${service_cidr:?}"

check_alive() {
  local pid
  for pid in "${!started[@]}"; do # the shell reaps those that end: no zombie passes for alive
    kill -0 "$pid" 2>/dev/null || die "Cannot start the node: ${started[$pid]} has ended"
  done
}

# This mount namespace is private: cover the machine's folders that the programs write to.
cover_folders() {
  mount -t tmpfs tmpfs /run # sockets, runc's state, names of network namespaces, the lock of iptables
  mkdir -p /run/lock
  mount -t tmpfs tmpfs /var/lib
  mkdir /var/lib/{containerd,kubelet,cni}
  mount --bind "$dir/containerd" /var/lib/containerd
  mount --bind "$dir/kubelet" /var/lib/kubelet
  mount --make-rshared /var/lib/kubelet # the kubelet's mounts must show in containers that ask for propagation
  mount -t tmpfs tmpfs /var/log
  mkdir /var/log/{pods,containers}
  mount --bind "$dir/log/pods" /var/log/pods
}

# The kubelet sets kernel settings that no namespace separates: it would set them for the whole machine. Show it files
# that have its values already.
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

# A root for all pods' cgroups below each of v1's hierarchies, which node.sh can find and remove again.
make_cgroups() {
  local hierarchy file
  for hierarchy in /sys/fs/cgroup/*/; do
    [[ -L ${hierarchy%/} ]] || mkdir -p "$hierarchy$name" # cpu and cpuacct may be links to one hierarchy
  done
  # A new cpuset has neither processors nor memory, and takes no process before it has.
  for file in cpuset.cpus cpuset.mems; do
    cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$name/$file"
  done
}

set_up_network() {
  ip link set lo up
  until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done # node.sh gives it
  ip address add "$node_ip/24" dev eth0
  ip link set eth0 up
  ip route add default via "$host_ip"
  echo 1 >/proc/sys/net/ipv4/ip_forward # of this network namespace alone
  # hairpinMode: a pod reaches itself through a Service of its own.
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
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE nobody may lower a process's oom_score_adj, and the kubelet asks
  # for -998 for each pod's pause. runc then dies half way ("can't get final child's PID from pipe: EOF"). With it,
  # containerd asks for what it has itself at the least.
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
  # resolv.conf of pods that do not use the cluster's DNS by policy, such as those on the host's network.
  echo "nameserver $node_ip" >"$dir/conf/resolv.conf"
  # failCgroupV1: since 1.35 the kubelet refuses to start on cgroup v1 unless told otherwise.
  # cgroupRoot: all pods below one cgroup, which node.sh removes.
  # failSwapOn: the machine's swap is not ours to turn off.
  # oomScoreAdj: without CAP_SYS_RESOURCE it cannot be lowered; the kubelet would complain in its log.
  # evictionHard, imageGCHighThresholdPercent: a machine whose disk is nearly full can still run tests, and an image
  # that was removed could not be pulled again.
  # syncFrequency: files from ConfigMaps and Secrets follow within 10 s instead of 60 s.
  # InPlacePodLevelResourcesVerticalScaling: with it the kubelet tells in status.resources what it reads from the pod's
  # cgroup, now and then before it has written there: 1 CPU. The scheduler believes it, and a few pods fill the node.
  # volumePluginDir: the kubelet makes it; the default is in the machine's /usr.
  # InPlacePodLevelResourcesVerticalScaling: with cgroup v1 it reports 1 CPU as the request of every pod, and the
  # scheduler believes it: a machine of 2 processors is full with 2 pods.
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
featureGates: { InPlacePodLevelResourcesVerticalScaling: false }
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
}

start_proxy() {
  # conntrack: its limits belong to the machine and are read-only outside its first network namespace.
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
  # A process of the node instead of a Deployment: no image, and there before the first pod. Names outside the cluster
  # do not exist: a program that asks for one hears so at once instead of waiting.
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
wait_for 30 "containerd ready" ctr version
ctr --namespace k8s.io images import "$pause_image"
wait_for 60 "API server ready" api /readyz
start_controller_manager
start_scheduler
start_kubelet
start_proxy
start_dns

# The shell, as the first process, also reaps what others leave behind; `wait -n` heeds only what it has started itself.
status=0
wait -n -p ended || status=$?
say "${started[$ended]} has ended with status $status: the node ends"

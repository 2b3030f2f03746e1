# shellcheck shell=bash disable=SC2154 # the callers set dir, binaries, kube, api_address, api_port, service_cidr, service_address
# Shared by control-plane.sh, node.sh and inside-node.sh: messages, the cluster's folder, waiting, processes, certificates,
# and the four programs of a control plane. Sourced, never executed.
#
# The folder of a cluster ($dir) contains all of its state. Users of a cluster need two files:
#   admin.kubeconfig   self-contained, can be copied
#   environment        names and addresses as NAME=value lines
# The rest (pki/ conf/ log/ etcd/ and more) is internal to the scripts.

export LC_ALL=C # decimal points in numbers, untranslated openssl messages
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
began=${EPOCHREALTIME/./}

# --- messages: progress and errors go to stderr, results to stdout

log_progress() {
  local spent=$((${EPOCHREALTIME/./} - began))
  printf '%3d.%d s  %s\n' $((spent / 1000000)) $((spent / 100000 % 10)) "$*" >&2
}

die() {
  echo "$*" >&2
  exit 1
}

show_logs() {
  local log
  for log in "$dir"/log/*.log; do
    [[ -s $log && $log != */audit.log ]] || continue
    echo "--- $log" >&2
    tail -n 3 "$log" | cut -c 1-400 >&2
  done
}

# --- the cluster's folder

# `down` removes the folder, so it accepts only a folder that `up` created or found empty.
claim_folder() { # KIND DIR
  # The path is used unquoted in URLs, YAML and TOML, and is the prefix of socket paths, which have at most 107 bytes.
  [[ $2 =~ ^/[A-Za-z0-9/._+@-]{0,79}$ ]] ||
    die "Cannot start the cluster: its folder is $2; expected at most 80 characters of A-Z a-z 0-9 / . _ + @ -"
  mkdir -p "$2"
  chmod 700 "$2"
  [[ -z $(ls -A "$2") ]] || die "Cannot start the cluster: $2 is not empty; expected a new or an empty folder"
  echo "$1" >"$2/.podrole-cluster"
  mkdir "$2"/{pki,conf,log}
}

# Prints the variables that the users of every cluster need.
print_environment() {
  cat <<ENVIRONMENT
KUBECONFIG=$dir/admin.kubeconfig
KUBECTL=$binaries/kubectl
KUBECACHEDIR=$dir/kubectl-cache
API_SERVER=https://$api_address:$api_port
API_SERVER_CA=$dir/pki/ca.crt
AUDIT_LOG=$dir/log/audit.log
ENVIRONMENT
}

claimed_as() { # KIND DIR
  [[ -f $2/.podrole-cluster && $(<"$2/.podrole-cluster") == "$1" ]]
}

# --- waiting

# Repeats a command until it succeeds. Fails if check_alive (defined by the caller) finds an exited program, or on timeout.
wait_for() { # SECONDS WHAT COMMAND...
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    check_alive
    ((SECONDS < until)) || die "Cannot start the cluster: timed out waiting for: $what"
    sleep 0.05
  done
  log_progress "$what"
}

# Sends a request as the administrator. Uses curl, because kubectl takes 10 times as long to start.
api() { # PATH
  curl --silent --fail --max-time 5 --output /dev/null --cacert "$dir/pki/ca.crt" --cert "$dir/pki/admin.crt" \
    --key "$dir/pki/admin.key" "https://$api_address:$api_port$1"
}

# --- processes

declare -A started=() # pid -> name

# Starts a program in the background and writes its output to log/. The caller reads the pid from $!.
start() { # PROGRAM COMMAND...
  local program=$1 # `name` is exported by node.sh, and a local variable of that name would be too
  shift
  setsid "$@" >>"$dir/log/$program.log" 2>&1 </dev/null &
  # shellcheck disable=SC2034 # read by inside-node.sh
  started[$!]=$program
}

# Prints a process's pid and start time (field 22 of /proc/PID/stat): the pid alone may have been reused by another process
# later. Fails if the process does not exist, or is a zombie without running threads.
identify() { # PID
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra stat <<<"${stat##*) }" # field 2, the name, may contain any characters
  local state=${stat[0]} threads=${stat[17]} born=${stat[19]}
  [[ $state != Z || $threads -gt 1 ]] && echo "$1 $born"
}

record() { # FILE PID
  identify "$2" >"$1" || die "Cannot start the cluster: ${1##*/} exited immediately"
  disown "$2" 2>/dev/null || true # or the shell would print a message when it exits
}

is_running() { # FILE
  local pid rest
  read -r pid rest <"$1" && [[ $(identify "$pid") == "$pid $rest" ]]
}

# Uses SIGKILL: all state is deleted next, so a graceful stop has no benefit.
kill_process() { # FILE
  local pid
  [[ -s $1 ]] && is_running "$1" || return 0
  read -r pid _ <"$1"
  kill -KILL "$pid"
  while is_running "$1"; do sleep 0.02; done
}

# --- certificates and kubeconfigs

openssl_new() { # NAME SUBJECT ARGUMENTS...: a P-256 key and its certificate, independent of the machine's openssl.cnf
  local name=$1 subject=$2 problem
  shift 2
  problem=$(openssl req -x509 -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') -newkey ec \
    -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "$subject" -keyout "$dir/pki/$name.key" \
    -out "$dir/pki/$name.crt" "$@" 2>&1) || die "Cannot create the certificate $name: $problem"
}

make_authority() {
  openssl_new ca /CN=kubernetes -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  openssl ecparam -genkey -name prime256v1 -noout -out "$dir/pki/service-accounts.key"
}

make_certificate() { # NAME SUBJECT [ALTERNATIVE-NAMES]
  openssl_new "$1" "$2" -CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key" \
    -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth \
    ${3:+-addext "subjectAltName=$3"}
}

make_kubeconfig() { # NAME FILE
  local pki=$dir/pki
  cat >"$2" <<YAML
apiVersion: v1
kind: Config
clusters:
  - name: podrole
    cluster:
      server: https://$api_address:$api_port
      certificate-authority-data: $(base64 -w0 "$pki/ca.crt")
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w0 "$pki/$1.crt")
      client-key-data: $(base64 -w0 "$pki/$1.key")
contexts:
  - name: $1
    context: { cluster: podrole, user: $1 }
current-context: $1
YAML
  chmod 600 "$2"
}

# Creates the CA and the credentials of the control plane's own programs. $service_address is the first address of the
# Service network, by which pods reach the API server.
make_credentials() {
  make_authority
  local names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  names+=,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$api_address,IP:$service_address
  make_certificate api-server /CN=kube-apiserver "$names"
  make_certificate admin /O=system:masters/CN=admin
  make_certificate controller-manager /CN=system:kube-controller-manager
  make_certificate scheduler /CN=system:kube-scheduler
  make_kubeconfig admin "$dir/admin.kubeconfig"
  make_kubeconfig controller-manager "$dir/conf/controller-manager.kubeconfig"
  make_kubeconfig scheduler "$dir/conf/scheduler.kubeconfig"
}

# --- the control plane: $kube $dir $api_address $api_port $service_cidr

# etcd listens on a Unix socket in the cluster's folder: it needs no free port, and no other user can connect. It has to
# advertise addresses, which etcd 3.6 does not accept as sockets; nobody uses them, since there is no other member.
start_etcd() {
  start etcd "$kube" etcd --name=podrole --data-dir="$dir/etcd" --unsafe-no-fsync \
    --listen-client-urls="unix://$dir/etcd.sock" --advertise-client-urls=http://127.0.0.1:1 \
    --listen-peer-urls="unix://$dir/peer.sock" --initial-advertise-peer-urls=http://127.0.0.1:2 \
    --initial-cluster=podrole=http://127.0.0.1:2
}

start_api_server() { # FLAG...
  local extra=()
  read -ra extra <<<"${PODROLE_APISERVER_FLAGS:-}"
  start api-server "$kube" kube-apiserver \
    --etcd-servers="unix://$dir/etcd.sock" \
    --advertise-address="$api_address" --secure-port="$api_port" \
    --tls-cert-file="$dir/pki/api-server.crt" --tls-private-key-file="$dir/pki/api-server.key" \
    --client-ca-file="$dir/pki/ca.crt" --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --allow-privileged \
    --service-cluster-ip-range="$service_cidr" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$dir/pki/service-accounts.key" \
    --service-account-signing-key-file="$dir/pki/service-accounts.key" \
    --audit-policy-file="$here/audit-policy.yaml" --audit-log-path="$dir/log/audit.log" \
    "$@" "${extra[@]}"
}

start_controller_manager() {
  # With the default of 20 requests a second the start of the controllers takes 9 s, and so does the first ServiceAccount.
  # A single replica needs no leader election, and nothing reads its HTTP endpoints (secure-port).
  start controller-manager "$kube" kube-controller-manager \
    --kubeconfig="$dir/conf/controller-manager.kubeconfig" --kube-api-qps=300 --kube-api-burst=600 \
    --leader-elect=false --secure-port=0 --use-service-account-credentials \
    --service-account-private-key-file="$dir/pki/service-accounts.key" --root-ca-file="$dir/pki/ca.crt"
}

start_scheduler() {
  start scheduler "$kube" kube-scheduler --kubeconfig="$dir/conf/scheduler.kubeconfig" \
    --kube-api-qps=300 --kube-api-burst=600 --leader-elect=false --secure-port=0
}

init to standard output.
--- input none
--- arguments
init 10.0.0.11 -k "~/it's mine" -o -
--- exit
0
--- message
# For bigtop-bootstrap. Lines that begin with # show what else there is, with its default
# or an example; docs/hosts.yaml.md has the details.

hosts:
  - address: 10.0.0.11
    # A host may also have:
    # Name of the node in Kubernetes. Default: the first part of the address when that is a
    # name, else the host's own name.
    #name: db-1
    # The host's SSH key, as a fingerprint or a public key. Given, it alone counts; else
    # known_hosts does.
    #host_key: SHA256:...
    # The network card that gets address, and by which the host gets name, when it starts
    # from an image with this file. Default: DHCP.
    #mac: 52:54:00:00:00:0b
    # Network cards as one, bond0, in place of mac: any of them is enough for the host to be
    # known.
    #bond: {macs: [52:54:00:00:00:0b, 52:54:00:00:00:0c], mode: active-backup}
    # The machine's serial number, to find its address by, in place of mac or beside it.
    #serial: CZJ0410ABC
    # The host's address inside the cluster. Default: the one on the way to the other hosts.
    #node_ip: 192.168.0.11
    # A control plane that is a worker too also runs ordinary pods. Default: the first host
    # is the control plane unless another one says so; all others are workers.
    #roles: [control-plane, worker]
    # Kubernetes taints of the node, each "key=value:Effect" or "key:Effect".
    #taints: ["dedicated=db:NoSchedule"]
    # absent: the node is drained and removed from the cluster, and the host is reset.
    #state: present
    # Whole disks that the host may use; no other one is ever touched. One that carries
    # anything, is mounted or in use is refused.
    #disks: [{serial: S3Z8NB0K, class: fast}]
    # Makes this host the NFS server of the cluster. At most one host has it.
    #nfs: {export: /srv/nfs}
    # The machine with the card mac, when it starts from an image with this file, installs
    # itself to this disk and runs from there. Default: it runs from memory and changes no
    # disk.
    #install: {disk: S3Z8NB0K}
    # ... and each key of defaults.

defaults:
  user: root
  key: '~/it''s mine'
  # SSH port.
  #port: 22
  # SSH password. The file must then be readable by its owner alone (chmod 600).
  #password: ...
  # How to become root. auto: not at all as root, else sudo, with the password if it asks
  # for one; none: the user is root; password: sudo always asks.
  #sudo: auto
  # Password for sudo. Default: password.
  #sudo_password: ...
  # Kubernetes labels of the node. A host's own come on top of those in defaults.
  #labels: {rack: r1}

#cluster:
  # Name of the cluster, also in the kubeconfig.
  #name: bigtop
  # A load balancer of yours before the control planes, HOST or HOST:PORT; port 6443 if none
  # is given. Default: none is needed, every node has one of its own. It cannot be changed
  # once the cluster is made.
  #endpoint: api.example.com:6443
  # A free address in the control planes' network that moves among them, for users of the
  # API. Nodes do not depend on it. To be set when the cluster is made, as the API's
  # certificates name it. VRRP (IP protocol 112) must pass between the control planes; the
  # virtual router's number is the last byte of the address.
  #virtual_ip: 10.0.0.100
  # Addresses of pods. Each host gets a /24 of it. It must not overlap any network that the
  # hosts use.
  #pod_cidr: 10.244.0.0/16
  # Addresses of services, between /12 and /28.
  #service_cidr: 10.96.0.0/12
  # Largest packet, in bytes, that passes between the hosts, where that is less than their
  # interfaces' MTU. Pods get 50 less for VXLAN. Default: the smallest MTU among the hosts'
  # interfaces.
  #mtu: 1450
  # Domain of cluster DNS.
  #dns_domain: cluster.local

#rack:
  # Network that the addresses of hosts with a mac or bond are in. Default: DHCP.
  #cidr: 10.9.0.0/24
  # VLAN that this network is, on the cards of mac and bond: addresses are the VLAN's, and
  # the card itself has none. Default: untagged.
  #vlan: 20
  # The way out of it. Default: none.
  #gateway: 10.9.0.1
  # Address of the coordinator's machine, if that is none of the hosts.
  #coordinator: 10.9.0.2
  # Its network card.
  #mac: 52:54:00:00:00:02

# Pod network, VXLAN between the hosts. canal enforces network policies, flannel does not.
# Default: what the cluster has; for a new one canal where the bundle has its images, else
# flannel. A live cluster's cannot be changed.
#network: canal
# Where persistent volumes come from, one word or a list. local-path and openebs make
# folders on the host that a pod runs on, nfs on the host that has nfs. The first one gives
# the default storage class.
#storage: local-path
# The stack that is started once the cluster is ready, and tested: a profile of the bundle
# by its name, or one of your own by its path, relative to hosts.yaml. Default: none.
#profile: minimal
# Teams that share the cluster, each kept apart in a namespace of its own.
#projects: [{name: risk, owners: [ada], scientists: [sam], quota: {cpu: 8, memory: 16Gi}}]
# Folder of the bundle to install, relative to hosts.yaml. --bundle on the command line
# comes first.
#bundle: bundle
# Who may have signed the bundle: public keys as `bundle keygen` and minisign write them, or
# the files that have them, relative to hosts.yaml. --key adds to them.
#bundle_keys: [ops-2026.pub]
# OpenSSH known_hosts file that host keys are checked against, relative to hosts.yaml.
#known_hosts: ~/.ssh/known_hosts

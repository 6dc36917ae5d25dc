//go:build tools

// Package programs pins what tests/cluster/api_servers.py builds; it is never compiled itself.
package programs

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)

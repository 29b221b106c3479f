package config

import (
	"path/filepath"
	"strconv"
)

// redis checks a resource of Redis or Valkey. A session has one database, by its
// number; a cluster's nodes are resources of their own.
func (r *Resource) redis(fs *Faults, path string) {
	r.foreign(fs, path, "user", "database", "password", "tls", "tls_root_ca")
	socket := filepath.IsAbs(r.Address)
	if r.required(fs, path, "address", r.Address, "an address is needed: host:6379, or the path of a Unix socket") && !socket {
		hostPort(fs, path+".address", r.Address, "6379")
	}
	text(fs, path+".user", r.User)
	if n, err := strconv.Atoi(r.Database); r.Database != "" && (err != nil || n < 0 || strconv.Itoa(n) != r.Database) {
		fs.add(path+".database", "%q is no database: it is a number, 0 where it is left out", r.Database)
	}
	r.secured(fs, path, socket)
}

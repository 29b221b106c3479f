package config

import "path/filepath"

// mysql checks a resource of MySQL or MariaDB. It has no second, restricted login
// and no search path: names without a schema are of the database.
func (r *Resource) mysql(fs *Faults, path string) {
	r.foreign(fs, path, "user", "database", "password", "tls", "tls_root_ca")
	socket := filepath.IsAbs(r.Address)
	if r.required(fs, path, "address", r.Address, "an address is needed: host:3306, or the path of a Unix socket") && !socket {
		hostPort(fs, path+".address", r.Address, "3306")
	}
	r.required(fs, path, "user", r.User, "a user is needed: the login at the server, best an ordinary, least-privileged one")
	r.required(fs, path, "database", r.Database, "a database is needed")
	r.secured(fs, path, socket)
}

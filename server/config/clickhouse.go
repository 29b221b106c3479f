package config

// clickhouse checks a resource of ClickHouse. Its address is that of the HTTP interface,
// which takes the password with every statement: without TLS in clear.
func (r *Resource) clickhouse(fs *Faults, path string) {
	r.foreign(fs, path, "user", "database", "password", "tls", "tls_root_ca")
	if r.required(fs, path, "address", r.Address, "an address is needed: host:8443, or host:8123 without TLS, of the HTTP interface") {
		hostPort(fs, path+".address", r.Address, "8443")
	}
	r.required(fs, path, "user", r.User, "a user is needed: the login at the server, best an ordinary, least-privileged one")
	r.required(fs, path, "database", r.Database, "a database is needed")
	r.secured(fs, path, false)
}

package config

import (
	"path/filepath"
	"strings"
)

// mongodb checks a resource of MongoDB. It has no second, restricted login.
func (r *Resource) mongodb(fs *Faults, path string) {
	r.foreign(fs, path, "user", "database", "password", "tls", "tls_root_ca", "auth_database")
	socket := filepath.IsAbs(r.Address)
	switch {
	case strings.Contains(r.Address, "://"):
		fs.add(path+".address", "give host:27017 and the other fields, not a URI")
	case strings.Contains(r.Address, ","):
		fs.add(path+".address", "give one address: the server that answers is the target, whatever replica set it is of")
	case r.required(fs, path, "address", r.Address, "an address is needed: host:27017, or the path of a Unix socket") && !socket:
		hostPort(fs, path+".address", r.Address, "27017")
	}
	if r.User == "" && r.Password != nil {
		fs.add(path+".user", "a user is needed with a password")
	}
	text(fs, path+".user", r.User)
	if r.required(fs, path, "database", r.Database, "a database is needed") {
		databaseName(fs, path+".database", r.Database)
	}
	if r.AuthDatabase != "" {
		databaseName(fs, path+".auth_database", r.AuthDatabase)
	}
	r.secured(fs, path, socket)
}

func databaseName(fs *Faults, path, name string) {
	if strings.ContainsAny(name, "/\\. \"$*<>:|?") || !printable(name) || len(name) > 63 {
		fs.add(path, "%q is no name of a database", name)
	}
}

// documents puts in what decides as whom one signs in to MongoDB. Resources of other
// kinds put nothing, so that they are what they were.
func (r Resource) documents(put func(...string)) {
	if r.Kind == kindMongoDB {
		put(r.AuthDatabase)
	}
}

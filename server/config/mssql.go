package config

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// strictTLS is TDS 8.0: TLS before anything else, verified in full.
const strictTLS = "strict"

// mssqlTLS are the modes of this kind.
var mssqlTLS = append(slices.Clone(tlsModes), strictTLS)

// mssql checks a resource of SQL Server. It has no second, restricted login and no
// search path: names without a schema are of the login's own, and else of dbo.
func (r *Resource) mssql(fs *Faults, path string) {
	r.foreign(fs, path, "user", "database", "password", "tls", "tls_root_ca", "read_intent")
	if strings.ContainsAny(r.Address, `\/`) {
		fs.add(path+".address", `a named instance is found by asking a service that anybody may answer for: give the port that it has, host:1433`)
	} else if r.required(fs, path, "address", r.Address, "an address is needed: host:1433") {
		hostPort(fs, path+".address", r.Address, "1433")
	}
	if r.required(fs, path, "user", r.User, "a user is needed: the login at the server, best one that reads and no more") && strings.Contains(r.User, `\`) {
		fs.add(path+".user", "logins of a Windows domain are not used: give one of the server's own")
	}
	r.required(fs, path, "database", r.Database, "a database is needed")
	if r.TLS != strictTLS {
		if r.TLS != "" && !slices.Contains(mssqlTLS, r.TLS) {
			fs.add(path+".tls", "unknown mode %q%s", r.TLS, policy.Suggest(r.TLS, mssqlTLS))
			return
		}
		r.secured(fs, path, false)
	}
}

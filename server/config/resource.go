package config

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/policy"
)

// The kinds that this binary has a driver for, out of those of policy.DefaultKinds.
const (
	kindPostgres   = "postgres"
	kindMySQL      = "mysql"
	kindClickHouse = "clickhouse"
	kindMSSQL      = "mssql"
	kindSQLite     = "sqlite"
	kindMongoDB    = "mongodb"
	kindSSH        = "ssh"
	kindCommand    = "command"
	kindHTTP       = "http"
	kindKubernetes = "kubernetes"
	kindRedis      = "redis"
)

// Policy is the resource as policy sees it. Its Revision is the SHA-256, in hex,
// over all that decides where an operation goes and as whom: kind, address,
// login, database, what the target is known by, and which secret is used (the
// reference, not the value). Labels and description are not in it.
func (r Resource) Policy() policy.Resource {
	h := sha256.New()
	put := func(fields ...string) {
		for _, f := range fields {
			// Lengths keep ("a", "bc") and ("ab", "c") apart.
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(f))))
			h.Write([]byte(f))
		}
	}
	put("sallyport resource 4", r.Name, r.Kind, r.Address, r.User, r.MaskedUser, r.Database, r.TLS, r.TLSRootCA, r.SearchPath)
	cert := Certificate{}
	if r.Certificate != nil {
		cert = *r.Certificate
	}
	signer := Vault{}
	if cert.Vault != nil {
		signer = *cert.Vault
	}
	put(signer.Address, signer.Mount, signer.Role, signer.Namespace, signer.RootCA)
	for _, ref := range []*Ref{r.Password, r.PrivateKey, r.MaskedPassword, cert.Authority, signer.Token} {
		if ref == nil {
			ref = &Ref{}
		}
		put(ref.Env, ref.File)
	}
	for _, list := range [][]string{r.HostKeys, r.HostAuthorities, r.Forwards, cert.Principals} {
		put(fmt.Sprint(len(list)))
		put(list...)
	}
	put(r.KnownHosts, r.Via, fmt.Sprint(r.LegacyAlgorithms, r.Certificate != nil, cert.Valid))
	put(r.Command.fields()...)
	r.HTTP.sum(h)
	r.cluster(put)
	if r.ReadIntent {
		put("read intent")
	}
	r.documents(put)
	return policy.Resource{Name: r.Name, Kind: r.Kind, Labels: maps.Clone(r.Labels), Revision: hex.EncodeToString(h.Sum(nil))}
}

func (c *Config) resources(fs *Faults) {
	if len(c.Resources) == 0 {
		fs.add("resources", "there is nothing to reach: list at least one")
	}
	if len(c.Resources) > maxResources {
		fs.add("resources", "%d are more than %d", len(c.Resources), maxResources)
	}
	seen := map[string]int{}
	for i := range c.Resources {
		r, path := &c.Resources[i], fmt.Sprintf("resources[%d]", i)
		if !resourceName(r.Name) {
			fs.add(path+".name", "%q is no name: lower-case letters, digits, dots, dashes and underscores, at most 64, beginning with a letter or digit", r.Name)
		} else if first, ok := seen[r.Name]; ok {
			fs.add(path+".name", "another resource is named %q (resources[%d]): names are unique", r.Name, first)
		} else {
			seen[r.Name] = i
		}
		r.validate(fs, path)
	}
	c.vias(fs)
}

func resourceName(s string) bool {
	for i, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || i > 0 && strings.ContainsRune("._-", r)) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (r *Resource) validate(fs *Faults, path string) {
	text(fs, path+".description", r.Description)
	text(fs, path+".unavailable", r.Unavailable)
	for _, k := range slices.Sorted(maps.Keys(r.Labels)) {
		at := path + ".labels." + k
		if k == "" || strings.ContainsAny(k, " *:=!") || !printable(k) || len(k) > 64 {
			fs.add(at, "%q is no label: a key without white space, at most 64 bytes", k)
		}
		if v := r.Labels[k]; v == "" || v != strings.TrimSpace(v) || strings.Contains(v, "*") || !printable(v) || len(v) > 128 {
			fs.add(at, "%q is no label's value: text without * and white space around it, at most 128 bytes", v)
		}
	}
	r.Password.validate(fs, path+".password")
	r.PrivateKey.validate(fs, path+".private_key")
	r.MaskedPassword.validate(fs, path+".masked_password")
	r.Kubeconfig.validate(fs, path+".kubeconfig")
	r.Token.validate(fs, path+".token")
	r.ClientCertificate.validate(fs, path+".client_certificate")
	switch r.Kind {
	case kindPostgres:
		r.postgres(fs, path)
	case kindMySQL:
		r.mysql(fs, path)
	case kindClickHouse:
		r.clickhouse(fs, path)
	case kindMSSQL:
		r.mssql(fs, path)
	case kindMongoDB:
		r.mongodb(fs, path)
	case kindSQLite:
		r.sqlite(fs, path)
	case kindSSH:
		r.ssh(fs, path)
	case kindCommand:
		r.command(fs, path)
	case kindHTTP:
		r.http(fs, path)
	case kindKubernetes:
		r.kubernetes(fs, path)
	case kindRedis:
		r.redis(fs, path)
	case "":
		fs.add(path+".kind", "a kind is needed%s", policy.Suggest("", kinds()))
	default:
		fs.add(path+".kind", "unknown kind %q%s", r.Kind, policy.Suggest(r.Kind, kinds()))
	}
}

func kinds() []string {
	return []string{
		kindPostgres,
		kindMySQL,
		kindSQLite,
		kindMongoDB,
		kindSSH,
		kindCommand,
		kindHTTP,
		kindKubernetes,
		kindRedis,
		kindClickHouse,
		kindMSSQL,
	}
}

// foreign finds fields that mean nothing for the kind: a person who sets one
// expects something of it.
func (r *Resource) foreign(fs *Faults, path string, own ...string) {
	for _, f := range []struct {
		key string
		set bool
	}{
		{"user", r.User != ""}, {"database", r.Database != ""}, {"password", r.Password != nil},
		{"private_key", r.PrivateKey != nil}, {"host_keys", len(r.HostKeys) > 0}, {"tls", r.TLS != ""},
		{"tls_root_ca", r.TLSRootCA != ""}, {"search_path", r.SearchPath != ""},
		{"auth_database", r.AuthDatabase != ""},
		{"masked_user", r.MaskedUser != ""}, {"masked_password", r.MaskedPassword != nil},
		{"host_authorities", len(r.HostAuthorities) > 0}, {"known_hosts", r.KnownHosts != ""}, {"certificate", r.Certificate != nil},
		{"via", r.Via != ""}, {"forwards", len(r.Forwards) > 0}, {"legacy_algorithms", r.LegacyAlgorithms},
		{"command", r.Command != nil}, {"read_intent", r.ReadIntent},
		{"http", r.HTTP != nil},
		{"kubeconfig", r.Kubeconfig != nil}, {"token", r.Token != nil}, {"client_certificate", r.ClientCertificate != nil},
		{"namespace", r.Namespace != ""}, {"impersonate", r.Impersonate}, {"impersonate_prefix", r.ImpersonatePrefix != ""},
	} {
		if f.set && !slices.Contains(own, f.key) {
			fs.add(path+"."+f.key, "a resource of kind %s has no %s: take it away", r.Kind, f.key)
		}
	}
}

// required reports whether the value is there; where the resource is
// unavailable, it need not be.
func (r *Resource) required(fs *Faults, path, key, value, what string) bool {
	if value == "" && r.Unavailable == "" {
		fs.add(path+"."+key, "%s", what)
	}
	if !printable(value) {
		fs.add(path+"."+key, "the text holds characters that cannot be printed")
		return false
	}
	return value != ""
}

var tlsModes = []string{"disable", "require", "verify-ca", "verify-full"}

func (r *Resource) postgres(fs *Faults, path string) {
	r.foreign(fs, path, "user", "database", "password", "masked_user", "masked_password", "tls", "tls_root_ca", "search_path")
	socket := filepath.IsAbs(r.Address)
	if r.required(fs, path, "address", r.Address, "an address is needed: host:5432, or the directory of a Unix socket") && !socket {
		hostPort(fs, path+".address", r.Address, "5432")
	}
	r.required(fs, path, "user", r.User, "a user is needed: the login at the server, best an ordinary, least-privileged one")
	r.required(fs, path, "database", r.Database, "a database is needed")
	r.secured(fs, path, socket)
	text(fs, path+".search_path", r.SearchPath)
	r.masked(fs, path)
}

// secured checks the fields of TLS.
func (r *Resource) secured(fs *Faults, path string, socket bool) {
	switch {
	case r.TLS != "" && !slices.Contains(tlsModes, r.TLS):
		fs.add(path+".tls", "unknown mode %q%s", r.TLS, policy.Suggest(r.TLS, tlsModes))
	case socket && r.TLS != "" && r.TLS != "disable":
		fs.add(path+".tls", "a Unix socket has no TLS: take it away")
	case r.TLSRootCA != "" && (r.TLS == "disable" || r.TLS == "require"):
		fs.add(path+".tls_root_ca", "with tls: %s nothing is verified: use verify-ca or verify-full", r.TLS)
	}
}

// masked checks the second login: it must be another one than the first, with a
// credential of its own.
func (r *Resource) masked(fs *Faults, path string) {
	text(fs, path+".masked_user", r.MaskedUser)
	switch {
	case r.MaskedUser == "" && r.MaskedPassword != nil:
		fs.add(path+".masked_password", "it is the password of masked_user, and there is none: the restricted login at the server")
	case r.MaskedUser != "" && r.MaskedUser == r.User:
		fs.add(path+".masked_user", "the restricted login must be another than user: sallyport mask role %s makes one", r.Name)
	case r.MaskedPassword != nil && r.Password != nil && *r.MaskedPassword == *r.Password:
		fs.add(path+".masked_password", "the restricted login needs a password of its own")
	}
}

func (r *Resource) sqlite(fs *Faults, path string) {
	r.foreign(fs, path)
	r.required(fs, path, "address", r.Address, "an address is needed: the path of the file")
}

// hostKey checks one key in the form of authorized_keys: type, base64, comment.
func hostKey(fs *Faults, path, line string) {
	key, _, options, rest, err := gossh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil || strings.ContainsAny(strings.TrimSpace(line), "\r\n") || len(rest) > 0:
		fs.add(path, "this is no host key: write one as in authorized_keys, ssh-ed25519 AAAA...")
	case len(options) > 0:
		fs.add(path, "a host key has nothing in front of its type")
	case key.Type() == "ssh-dss":
		fs.add(path, "DSA keys are too weak to know a host by")
	}
	if _, ok := key.(*gossh.Certificate); ok {
		fs.add(path, "this is a certificate: give the host's own key")
	}
}

// sortedWords is a copy in the order of the alphabet.
func sortedWords(words []string) []string { return slices.Sorted(slices.Values(words)) }

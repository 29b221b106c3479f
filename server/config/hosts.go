package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Certificate is how sign-ins at an SSH host are certified.
type Certificate struct {
	// Authority is the private key that certifies: the host has its public part under
	// TrustedUserCAKeys. This or vault is required.
	Authority *Ref `yaml:"authority"`
	// Vault certifies by its SSH secrets engine, instead.
	Vault *Vault `yaml:"vault"`
	// Principals are the names that a certificate is for. Default: the user.
	Principals []string `yaml:"principals"`
	// Valid is how long a certificate is good for signing in; a session that stands
	// outlasts it. Default 5m, from 1m to 1h.
	Valid Duration `yaml:"valid"`
}

// Vault is a role of HashiCorp Vault's SSH secrets engine (or OpenBao's) that signs keys.
type Vault struct {
	// Address is where Vault answers: https://vault.example.com:8200. http is taken on
	// loopback alone. Required.
	Address string `yaml:"address"`
	// Mount is where the engine is mounted. Default ssh.
	Mount string `yaml:"mount"`
	// Role of the engine, of key type ca, whose allowed_users hold the principals.
	// What a certificate is good for besides is the role's to say: permit-pty for shells.
	// Required.
	Role string `yaml:"role"`
	// Token that may update MOUNT/sign/ROLE; read anew for every sign-in. Required.
	Token *Ref `yaml:"token"`
	// Namespace of Vault, where it has any.
	Namespace string `yaml:"namespace"`
	// RootCA is a PEM file with the authority of Vault's certificate. Default: the
	// system's roots.
	RootCA string `yaml:"root_ca"`
}

func (v *Vault) validate(fs *Faults, path string) {
	if v == nil {
		return
	}
	u, err := url.Parse(v.Address)
	switch {
	case v.Address == "":
		fs.add(path+".address", "an address is needed: https://vault.example.com:8200")
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		fs.add(path+".address", "%q is no address: write https://HOST:8200", v.Address)
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		fs.add(path+".address", "%q is not https: the token would pass in clear", v.Address)
	}
	for _, part := range strings.Split(v.Mount, "/") {
		if v.Mount != "" && !vaultName(part) {
			fs.add(path+".mount", "%q is no mount: a path like ssh or teams/ssh", v.Mount)
			break
		}
	}
	if !vaultName(v.Role) {
		fs.add(path+".role", "a role of the engine is needed: a name without white space and /")
	}
	if v.Token == nil {
		fs.add(path+".token", "a token is needed, that may sign by the role")
	}
	v.Token.validate(fs, path+".token")
	text(fs, path+".namespace", v.Namespace)
	text(fs, path+".root_ca", v.RootCA)
}

// vaultName takes parts of Vault's paths that mean themselves.
func vaultName(s string) bool {
	return s != "" && s != "." && s != ".." && printable(s) && !strings.ContainsAny(s, " /?#%\\")
}

const (
	minCertificate = time.Minute
	maxCertificate = time.Hour
	maxVia         = 3
	maxForwards    = 100
)

func (r *Resource) ssh(fs *Faults, path string) {
	r.foreign(fs, path, "user", "password", "private_key", "host_keys", "host_authorities", "known_hosts", "certificate", "via", "forwards", "legacy_algorithms")
	if r.required(fs, path, "address", r.Address, "an address is needed: host:22") {
		hostPort(fs, path+".address", r.Address, "22")
	}
	r.required(fs, path, "user", r.User, "a user is needed: the login at the host")
	r.sshCredential(fs, path)
	if len(r.HostKeys)+len(r.HostAuthorities) == 0 && r.KnownHosts == "" && r.Unavailable == "" {
		fs.add(path+".host_keys", "the host's keys are needed, to know it by: the lines of ssh-keyscan HOST without the host, compared by another way; or host_authorities, or known_hosts")
	}
	for i, k := range r.HostKeys {
		hostKey(fs, fmt.Sprintf("%s.host_keys[%d]", path, i), k)
	}
	for i, k := range r.HostAuthorities {
		hostKey(fs, fmt.Sprintf("%s.host_authorities[%d]", path, i), k)
	}
	text(fs, path+".known_hosts", r.KnownHosts)
	r.forwards(fs, path)
}

// sshCredential: exactly one is needed.
func (r *Resource) sshCredential(fs *Faults, path string) {
	n := 0
	for _, set := range []bool{r.Password != nil, r.PrivateKey != nil, r.Certificate != nil} {
		if set {
			n++
		}
	}
	switch {
	case n > 1:
		at := path + ".certificate"
		if r.Password != nil {
			at = path + ".password"
		}
		fs.add(at, "give one credential: private_key, password or certificate")
	case n == 0 && r.Unavailable == "":
		fs.add(path, "a credential is needed: private_key, password or certificate")
	}
	c := r.Certificate
	if c == nil {
		return
	}
	switch {
	case c.Authority == nil && c.Vault == nil:
		fs.add(path+".certificate.authority", "an authority is needed: the key that certifies sign-ins, or vault")
	case c.Authority != nil && c.Vault != nil:
		fs.add(path+".certificate.vault", "give one: authority or vault")
	}
	c.Vault.validate(fs, path+".certificate.vault")
	c.Authority.validate(fs, path+".certificate.authority")
	for i, p := range c.Principals {
		if p == "" || !printable(p) || strings.ContainsAny(p, " ,*") {
			fs.add(fmt.Sprintf("%s.certificate.principals[%d]", path, i), "%q is no principal: a name without white space, comma and *", p)
		}
	}
	if c.Valid != 0 {
		between(fs, path+".certificate.valid", c.Valid, minCertificate, maxCertificate)
	}
}

func (r *Resource) forwards(fs *Faults, path string) {
	if len(r.Forwards) > maxForwards {
		fs.add(path+".forwards", "%d are more than %d", len(r.Forwards), maxForwards)
	}
	ports := map[string]int{}
	for i, f := range r.Forwards {
		at := fmt.Sprintf("%s.forwards[%d]", path, i)
		hostPort(fs, at, f, "127.0.0.1:8080")
		_, port, err := net.SplitHostPort(f)
		if err != nil {
			continue
		}
		if first, ok := ports[port]; ok {
			fs.add(at, "forwards[%d] has port %s already, and people name a forward by its port", first, port)
			continue
		}
		ports[port] = i
	}
}

// vias checks the ways through other hosts: each a resource of kind ssh, in no
// circle.
func (c *Config) vias(fs *Faults) {
	byName := map[string]*Resource{}
	for i := range c.Resources {
		byName[c.Resources[i].Name] = &c.Resources[i]
	}
	for i := range c.Resources {
		r, at := &c.Resources[i], fmt.Sprintf("resources[%d].via", i)
		if r.Via == "" || r.Kind != kindSSH {
			continue
		}
		way := []string{r.Name}
		for next := r; next.Via != ""; {
			via, ok := byName[next.Via]
			switch {
			case !ok:
				fs.add(at, "there is no resource %q", next.Via)
			case via.Kind != kindSSH:
				fs.add(at, "%q is of kind %s: the way is through a host of kind ssh", via.Name, via.Kind)
			case slices.Contains(way, via.Name):
				fs.add(at, "the way goes in a circle: %s, %s", strings.Join(way, ", "), via.Name)
			case len(way) > maxVia:
				fs.add(at, "the way is longer than %d hosts", maxVia)
			default:
				way, next = append(way, via.Name), via
				continue
			}
			break
		}
	}
}

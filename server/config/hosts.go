package config

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Certificate is how sign-ins at an SSH host are certified.
type Certificate struct {
	// Authority is the private key that certifies: the host has its public part under
	// TrustedUserCAKeys. Required.
	Authority *Ref `yaml:"authority"`
	// Principals are the names that a certificate is for. Default: the user.
	Principals []string `yaml:"principals"`
	// Valid is how long a certificate is good for signing in; a session that stands
	// outlasts it. Default 5m, from 1m to 1h.
	Valid Duration `yaml:"valid"`
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
	if c.Authority == nil {
		fs.add(path+".certificate.authority", "an authority is needed: the key that certifies sign-ins")
	}
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

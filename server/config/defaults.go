package config

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Defaults is what holds where the file says nothing.
func Defaults() Config {
	return Config{
		Name:   "sallyport",
		Listen: ":2222",
		SignIn: SignIn{
			Scopes:       []string{"profile", "email"},
			GroupsClaim:  "groups",
			RememberKey:  Duration(8 * time.Hour),
			CodeLifetime: Duration(5 * time.Minute),
		},
		Limits: Limits{
			Anonymous:       100,
			AnonymousPerIP:  20,
			Connections:     1000,
			ChannelsPerConn: 10,
			Idle:            Duration(30 * time.Minute),
			Rows:            10_000_000,
			Bytes:           1 << 30,
			Statement:       Duration(5 * time.Minute),
		},
		Recording: Recording{
			LeadBytes:  256 << 10,
			LeadTime:   Duration(50 * time.Millisecond),
			Interval:   Duration(20 * time.Millisecond),
			Checkpoint: Duration(10 * time.Second),
		},
	}
}

// derive fills in what follows from other values.
func (c *Config) derive() {
	if c.HostKey == "" && c.Data != "" {
		c.HostKey = filepath.Join(c.Data, "host_ed25519")
	}
	if c.Address == "" {
		c.Address = reach(c.Listen)
	}
}

// reach is what one types behind ssh to reach a listener.
func reach(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(host)
	switch {
	case host == "" || ip != nil && ip.IsUnspecified():
		if host, err = os.Hostname(); err != nil || !addressText(host) {
			host = "localhost"
		}
	case ip != nil && ip.IsLoopback():
		host = "localhost"
	}
	if port == "22" {
		return host
	}
	return "-p " + port + " " + host
}

// anchor makes relative paths absolute, from dir.
func (c *Config) anchor(dir string) {
	from(dir, &c.Data)
	from(dir, &c.HostKey)
	if c.MaskKey != nil {
		from(dir, &c.MaskKey.File)
	}
	if c.SignIn.ClientSecret != nil {
		from(dir, &c.SignIn.ClientSecret.File)
	}
	from(dir, &c.Recording.WitnessFile)
	for i := range c.Audit {
		c.Audit[i].anchor(dir)
	}
	for i := range c.Resources {
		c.Resources[i].anchor(dir)
	}
}

// anchor makes relative paths absolute, from dir.
func (r *Resource) anchor(dir string) {
	for _, ref := range []*Ref{r.Password, r.PrivateKey, r.MaskedPassword, r.Kubeconfig, r.Token, r.ClientCertificate} {
		if ref != nil {
			from(dir, &ref.File)
		}
	}
	if r.Certificate != nil && r.Certificate.Vault != nil {
		v := r.Certificate.Vault
		from(dir, &v.RootCA)
		if v.Token != nil {
			from(dir, &v.Token.File)
		}
		v.Mount = cmp.Or(v.Mount, "ssh")
	}
	if r.Certificate != nil && r.Certificate.Authority != nil {
		from(dir, &r.Certificate.Authority.File)
	}
	from(dir, &r.TLSRootCA)
	from(dir, &r.KnownHosts)
	if r.HTTP != nil {
		from(dir, &r.HTTP.Certificate)
		if key := r.HTTP.CertificateKey; key != nil {
			from(dir, &key.File)
		}
	}
	if r.Kind == kindSQLite {
		from(dir, &r.Address)
	}
}

// from makes a relative path absolute.
func from(dir string, path *string) {
	if *path != "" && !filepath.IsAbs(*path) {
		*path = filepath.Join(dir, *path)
	}
}

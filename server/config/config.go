package config

import (
	"github.com/sallyport/sallyport/policy"
)

// Config is the whole configuration file.
type Config struct {
	// Name is what the bastion calls itself in its header and prompts. Default
	// sallyport.
	Name string `yaml:"name"`
	// Listen is the SSH address, host:port. Default ":2222".
	Listen string `yaml:"listen"`
	// Address is how people reach it, for hints: what they type behind ssh,
	// "bastion.company" or "-p 2222 localhost". Default: made from Listen.
	Address string `yaml:"address"`
	// Data is the directory that holds host key, state and transcripts. Required.
	Data string `yaml:"data"`
	// HostKey is the path of the SSH host key (ed25519), made on first start.
	// Default: DATA/host_ed25519.
	HostKey string `yaml:"host_key"`

	SignIn    SignIn         `yaml:"sign_in"`
	Limits    Limits         `yaml:"limits"`
	Recording Recording      `yaml:"recording"`
	Resources []Resource     `yaml:"resources"`
	Masks     policy.Masking `yaml:"masks"`
	Roles     policy.Roles   `yaml:"roles"`

	// Revision is the SHA-256, in hex, of the file as read.
	Revision string `yaml:"-"`
}

// SignIn is the OpenID provider and what a sign-in is worth.
type SignIn struct {
	// Issuer is the provider's URL, as in its discovery document. Required.
	Issuer         string `yaml:"issuer"`
	InsecureIssuer bool   `yaml:"insecure_issuer"` // permits http, on loopback only
	// ClientID is what the provider knows the bastion by. Required.
	ClientID string `yaml:"client_id"`
	// ClientSecret is left out for a public client.
	ClientSecret *Ref `yaml:"client_secret"`
	// Scopes are asked for besides openid. Default profile, email.
	Scopes []string `yaml:"scopes"`
	// GroupsClaim is the claim that lists a person's groups. Default groups.
	GroupsClaim string `yaml:"groups_claim"`
	// RememberKey is how long the SSH key offered at a sign-in opens the door by
	// itself. Default 8h, at most 30 days; 0 turns it off.
	RememberKey Duration `yaml:"remember_key"`
	// CodeLifetime bounds a device code's life; at most and by default 5m.
	CodeLifetime Duration `yaml:"code_lifetime"`
}

// Limits bound what strangers and sessions may use.
type Limits struct {
	// Unauthenticated connections in all and from one address. Default 100 and 20.
	Anonymous      int `yaml:"anonymous"`
	AnonymousPerIP int `yaml:"anonymous_per_address"`
	// Connections in all. Default 1000.
	Connections int `yaml:"connections"`
	// ChannelsPerConn is how many channels a connection may have open. Default 10.
	ChannelsPerConn int `yaml:"channels_per_connection"`
	// Idle ends a connection without a key pressed. Default 30m.
	Idle Duration `yaml:"idle"`
	// Rows bounds the rows of one answer; 0 is none. Default 10000000.
	Rows int64 `yaml:"rows"`
	// Bytes bounds the values of one answer, all of which the transcript keeps; 0 is
	// none. Default 1 GiB.
	Bytes int64 `yaml:"bytes"`
	// Statement bounds the time of one statement at the target. Default 5m.
	Statement Duration `yaml:"statement"`
}

// Resource is one thing that can be reached.
type Resource struct {
	// Name is lower-case letters, digits, dots, dashes and underscores. Required.
	Name string `yaml:"name"`
	// Kind is postgres, sqlite or ssh. Required.
	Kind        string            `yaml:"kind"`
	Description string            `yaml:"description"`
	Labels      map[string]string `yaml:"labels"`
	// Address is host:port; a Unix socket's directory for postgres; a file for sqlite.
	Address string `yaml:"address"`
	// User and Database are the login at the target (postgres, ssh) and the
	// database there (postgres).
	User     string `yaml:"user"`
	Database string `yaml:"database"`
	// Password: postgres, where the server asks for one; ssh, instead of a key.
	Password   *Ref     `yaml:"password"`
	PrivateKey *Ref     `yaml:"private_key"` // ssh
	HostKeys   []string `yaml:"host_keys"`   // ssh: authorized_keys form. Required
	// TLS of postgres: disable, require, verify-ca or verify-full (default, except
	// on a Unix socket, which has none). TLSRootCA is a PEM file; default: the
	// system's roots.
	TLS       string `yaml:"tls"`
	TLSRootCA string `yaml:"tls_root_ca"`
	// SearchPath is the schema list for names without one. Default public.
	SearchPath string `yaml:"search_path"`
	// Unavailable says why the resource cannot be opened; shown in its place. With
	// it, nothing but name and kind is required.
	Unavailable string `yaml:"unavailable"`
}

// Ref is a secret by reference: exactly one of its fields is set.
type Ref struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

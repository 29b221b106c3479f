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

	// MaskKey is the key of the masking methods hash and token, 16 bytes or more: who
	// has it can try values. Default: the file DATA/mask_key, made on first start.
	MaskKey *Ref `yaml:"mask_key"`

	// SignIn is the OpenID provider and what a sign-in is worth.
	SignIn SignIn `yaml:"sign_in"`
	// Limits bound what strangers and sessions may use.
	Limits Limits `yaml:"limits"`
	// Recording is how evidence is kept.
	Recording Recording `yaml:"recording"`
	// Audit is where every sign-in, decision, approval and act of administration is
	// told as it happens, in JSON Lines. Default nowhere: transcripts have it all.
	Audit []Audit `yaml:"audit"`
	// Include are further files, as paths or globs from this file's directory, read
	// in the order of their names. They may hold groups, resources, masks and roles,
	// which come behind those of this file. A pattern that finds nothing is an error.
	Include []string `yaml:"include"`
	// Groups are the groups that there are. Where the list is given, a group that is
	// not in it is an error wherever it is named.
	Groups []string `yaml:"groups"`
	// Resources are what can be reached.
	Resources []Resource `yaml:"resources"`
	// Inventory is resources that files of their own list.
	Inventory []Inventory `yaml:"inventory"`
	// Patterns are content detectors of your own, for masks to name in detect and
	// roles in reveal, beside those that there are.
	Patterns []Pattern `yaml:"patterns"`
	// Masks are what is hidden.
	Masks policy.Masking `yaml:"masks"`
	// Roles are who may do what.
	Roles policy.Roles `yaml:"roles"`

	// Revision is the SHA-256, in hex, of the file as read; with includes, of all of
	// them.
	Revision string `yaml:"-"`
	// Files are the paths of the files that were read: this one, then the included.
	Files []string `yaml:"-"`
	// Warnings are what is odd about the configuration and no fault, with places.
	Warnings Faults `yaml:"-"`
}

// Included is what an included file may hold.
type Included struct {
	// Groups are added to those of the main file.
	Groups []string `yaml:"groups"`
	// Resources are added to those of the main file.
	Resources []Resource `yaml:"resources"`
	// Masks are added to those of the main file.
	Masks policy.Masking `yaml:"masks"`
	// Roles are added to those of the main file.
	Roles policy.Roles `yaml:"roles"`
}

// SignIn is the OpenID provider and what a sign-in is worth.
type SignIn struct {
	// Issuer is the provider's URL, as in its discovery document. Required.
	Issuer string `yaml:"issuer"`
	// InsecureIssuer permits http, on loopback only.
	InsecureIssuer bool `yaml:"insecure_issuer"`
	// ClientID is what the provider knows the bastion by. Required.
	ClientID string `yaml:"client_id"`
	// ClientSecret is left out for a public client.
	ClientSecret *Ref `yaml:"client_secret"`
	// Scopes are asked for besides openid. Default profile, email.
	Scopes []string `yaml:"scopes"`
	// GroupsClaim is the claim that lists a person's groups. Default groups.
	GroupsClaim string `yaml:"groups_claim"`
	// Claims are the names of the further claims that a sign-in keeps, for roles and
	// conditions to go by. Default none.
	Claims []string `yaml:"claims"`
	// RememberKey is how long the SSH key offered at a sign-in opens the door by
	// itself. Default 8h, at most 30 days; 0 turns it off.
	RememberKey Duration `yaml:"remember_key"`
	// CodeLifetime bounds a device code's life; at most and by default 5m.
	CodeLifetime Duration `yaml:"code_lifetime"`
}

// Limits bound what strangers and sessions may use.
type Limits struct {
	// Anonymous is how many connections may be unauthenticated. Default 100.
	Anonymous int `yaml:"anonymous"`
	// AnonymousPerIP is how many of them may come from one address. Default 20.
	AnonymousPerIP int `yaml:"anonymous_per_address"`
	// Connections is how many connections there may be in all. Default 1000.
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
	// Kind is postgres, mysql (MariaDB, too), clickhouse, mssql (SQL Server), sqlite, redis
	// (Valkey, too), mongodb, ssh, kubernetes, http or command. Required.
	Kind string `yaml:"kind"`
	// Description is a line for people.
	Description string `yaml:"description"`
	// Labels are what roles and masks pick resources by. env: prod marks production.
	Labels map[string]string `yaml:"labels"`
	// Address is host:port; a Unix socket's directory for postgres, its path for mysql, redis and mongodb;
	// a file for sqlite; https://host for http.
	Address string `yaml:"address"`
	// User is the login at the target (databases, ssh, http); of a command, the user of
	// the bastion's machine that it runs as, by default the bastion's own.
	User string `yaml:"user"`
	// Database is the database there (all but sqlite; redis: its number, default 0).
	Database string `yaml:"database"`
	// AuthDatabase of mongodb is the database that knows the user. Default admin.
	AuthDatabase string `yaml:"auth_database"`
	// Password: postgres, mysql, mssql, where the server asks for one; ssh, instead of a key; http,
	// the credential, whatever it is; command, what the program finds on file
	// descriptor 3.
	Password *Ref `yaml:"password"`
	// PrivateKey: ssh, the key to sign in with.
	PrivateKey *Ref `yaml:"private_key"`
	// MaskedUser is a second login of postgres, whose role may read no masked
	// column (sallyport mask role makes it): what is not understood whole runs with
	// it, and is refused where there is none.
	MaskedUser string `yaml:"masked_user"`
	// MaskedPassword is that login's, where the server asks for one.
	MaskedPassword *Ref `yaml:"masked_password"`
	// HostKeys: ssh, what the host is known by, in the form of authorized_keys. This,
	// host_authorities or known_hosts is required.
	HostKeys []string `yaml:"host_keys"`
	// HostAuthorities: ssh, the keys of authorities that certify host keys.
	HostAuthorities []string `yaml:"host_authorities"`
	// KnownHosts: ssh, the path of a known_hosts file, read at every connection.
	KnownHosts string `yaml:"known_hosts"`
	// Certificate: ssh, instead of a key: each sign-in is certified by an authority.
	Certificate *Certificate `yaml:"certificate"`
	// Via: ssh, the name of another resource of kind ssh, through which this one is
	// reached. Who may open this one passes through that one, and no more.
	Via string `yaml:"via"`
	// Forwards: ssh, what can be reached through the host, host:port as it sees it;
	// people name it by the port: ssh -L 8080:RESOURCE:8080. kubernetes, patterns of
	// pods' ports, POD.NAMESPACE:PORT (web-*.shop:80), or SERVICE.NAMESPACE.svc:PORT;
	// people name one: ssh -L 8080:web-1.shop.RESOURCE:80. A rule must allow forward,
	// with binary: true, since what goes through is not masked.
	Forwards []string `yaml:"forwards"`
	// Command: command, the program and what people may choose of it.
	Command *Command `yaml:"command"`
	// LegacyAlgorithms: ssh, accepts key exchanges, ciphers and signatures with known
	// weaknesses, for devices that have no other.
	LegacyAlgorithms bool `yaml:"legacy_algorithms"`
	// TLS of databases: disable, require, verify-ca or verify-full (default, except
	// on a Unix socket, which has none); of mssql also strict, TDS 8.0.
	TLS string `yaml:"tls"`
	// TLSRootCA is a PEM file (databases, kubernetes). Default: the system's roots.
	TLSRootCA string `yaml:"tls_root_ca"`
	// ReadIntent of mssql says that only reads are meant (ApplicationIntent=ReadOnly), as
	// a readable secondary may ask for. It binds nobody.
	ReadIntent bool `yaml:"read_intent"`
	// SearchPath is the schema list for names without one. Default public.
	SearchPath string `yaml:"search_path"`
	// HTTP is what the kind http has besides.
	HTTP *HTTP `yaml:"http"`
	// Kubeconfig of kubernetes: the credential of its current context, if it holds one
	// (token or certificate data), and its authority. Where the cluster is says address.
	Kubeconfig *Ref `yaml:"kubeconfig"`
	// Token of kubernetes: a service account's, instead.
	Token *Ref `yaml:"token"`
	// ClientCertificate of kubernetes, instead: a certificate with its key, in PEM.
	ClientCertificate *Ref `yaml:"client_certificate"`
	// Namespace of kubernetes is where names are looked for. Default default.
	Namespace string `yaml:"namespace"`
	// Impersonate of kubernetes: the cluster acts as the person (e-mail, else subject,
	// and groups), by its own rights for them; the credential needs impersonate alone.
	Impersonate bool `yaml:"impersonate"`
	// ImpersonatePrefix stands before the names of people and groups there. Required
	// with impersonate, so that nobody is taken for one of the cluster's own.
	ImpersonatePrefix string `yaml:"impersonate_prefix"`
	// Unavailable says why the resource cannot be opened; shown in its place. With
	// it, nothing but name and kind is required.
	Unavailable string `yaml:"unavailable"`
}

// Pattern is a content detector of your own.
type Pattern struct {
	// Name is lower-case letters, digits and _, and not that of another detector. It
	// stands in brackets for what was found. Required.
	Name string `yaml:"name"`
	// Match is a regular expression (RE2) that begins with three or more characters
	// that are always the same: EMP-[0-9]{6}. What it matches is at most 400
	// characters of one line. Required.
	Match string `yaml:"match"`
}

// Ref is a secret by reference: exactly one of its fields is set.
type Ref struct {
	// Env is the name of an environment variable.
	Env string `yaml:"env"`
	// File is the path of a file, which nobody else may read.
	File string `yaml:"file"`
}

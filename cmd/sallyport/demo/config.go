package demo

import (
	_ "embed"
	"encoding/json"
	"strings"
	"text/template"
)

// Settings are what differs between one demo and the next.
type Settings struct {
	// Listen is the SSH address, Address what people type behind ssh, Data the
	// bastion's directory.
	Listen, Address, Data string
	// Issuer and ClientID are of the demo's provider, on loopback.
	Issuer, ClientID string
	// SQLite is the file of orders-lite.
	SQLite   string
	Postgres PostgresTarget
	Maria    MariaTarget
	Host     HostTarget
	// APIToken is the file with the billing service's token; "" for none.
	APIToken string
}

// PostgresTarget is where orders-db is.
type PostgresTarget struct {
	// Unavailable says why there is none; nothing else is needed then.
	Unavailable string
	// Address is host:port or the directory of a Unix socket, User the login.
	Address, Database, User string
	// PasswordFile is a file, mode 0600; "" where no password is asked for.
	PasswordFile string
	// TLS is as in the configuration; "" on a Unix socket.
	TLS string
}

// HostTarget is how demo-host is trusted and signed in to: see Host.
type HostTarget struct{ User, PasswordFile, KeyLine string }

// Target is the host's, for Settings.
func (h *Host) Target() HostTarget { return HostTarget{h.User(), h.PasswordFile(), h.KeyLine()} }

// Names of the demo's resources.
const (
	LiteName     = "orders-lite"
	PostgresName = "orders-db"
	HostName     = "demo-host"
	APIName      = "billing-api"
	MariaName    = "orders-maria"
)

//go:embed config.yaml.tmpl
var configText string

// Cases are what the demo's policy must say, for sallyport policy test.
//
//go:embed cases.yaml
var Cases string

// A string in JSON is one in YAML, with every character that could end it
// escaped.
var configTemplate = template.Must(template.New("config").Funcs(template.FuncMap{"q": func(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}}).Parse(configText))

// Config is the demo's configuration file: YAML with comments to learn from.
func Config(s Settings) (string, error) {
	var b strings.Builder
	err := configTemplate.Execute(&b, s)
	return b.String(), err
}

package config

import (
	"encoding/binary"
	"fmt"
	"hash"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// HTTP is what a resource of kind http has besides.
type HTTP struct {
	// Auth is how password, the credential, is presented: bearer, basic (with user),
	// header, or oauth2 (client credentials; user is the client, password its secret).
	// Default none.
	Auth string `yaml:"auth"`
	// Header is the header field of auth: header.
	Header string `yaml:"header"`
	// TokenURL is where oauth2 gets its tokens.
	TokenURL string `yaml:"token_url"`
	// Scopes are asked for with a token.
	Scopes []string `yaml:"scopes"`
	// Audience is asked for with a token, where the provider wants one.
	Audience string `yaml:"audience"`
	// Certificate is a PEM file with the certificate that the service knows the
	// bastion by.
	Certificate string `yaml:"certificate"`
	// CertificateKey is its private key.
	CertificateKey *Ref `yaml:"certificate_key"`
	// AllowLoopback permits that the address leads to the bastion's own machine.
	AllowLoopback bool `yaml:"allow_loopback"`
	// AllowLinkLocal permits link-local addresses, where clouds keep metadata and
	// credentials.
	AllowLinkLocal bool `yaml:"allow_link_local"`
	// LenientPaths says that the service tells neither /Admin nor /admin/ from /admin,
	// so that rules see the last form of each.
	LenientPaths bool `yaml:"lenient_paths"`
	// MaxBody bounds an answer's body, in bytes. Default: limits.bytes.
	MaxBody int64 `yaml:"max_body"`
	// Requests are saved for everybody who may open the resource.
	Requests []Request `yaml:"requests"`
}

// Request is a saved request. Path, headers and body may hold {placeholders}, which
// people fill in.
type Request struct {
	// Name is a few words, unique in the list. Required.
	Name string `yaml:"name"`
	// Description is a line for people.
	Description string `yaml:"description"`
	// Method is a word in capitals. Default GET.
	Method string `yaml:"method"`
	// Path begins with a slash and may have a query. Required.
	Path string `yaml:"path"`
	// Headers are sent with it. The credential is none of them.
	Headers map[string]string `yaml:"headers"`
	// Body is sent as it is.
	Body string `yaml:"body"`
}

var auths = []string{"basic", "bearer", "header", "oauth2"}

// sum writes what decides where requests go and as whom.
func (h *HTTP) sum(to hash.Hash) {
	if h == nil {
		return
	}
	key := h.CertificateKey
	if key == nil {
		key = &Ref{}
	}
	fields := []string{"http", h.Auth, h.Header, h.TokenURL, h.Audience, h.Certificate, key.Env, key.File, fmt.Sprint(h.AllowLoopback, h.AllowLinkLocal, h.LenientPaths, len(h.Scopes))}
	for _, f := range append(fields, h.Scopes...) {
		to.Write(binary.BigEndian.AppendUint64(nil, uint64(len(f))))
		to.Write([]byte(f))
	}
}

func (r *Resource) http(fs *Faults, path string) {
	r.foreign(fs, path, "user", "password", "tls_root_ca", "http")
	h := r.HTTP
	if h == nil {
		h = &HTTP{}
	}
	if r.required(fs, path, "address", r.Address, "an address is needed: https://host or https://host:port") {
		origin(fs, path+".address", r.Address)
	}
	at := path + ".http"
	r.presents(fs, path, h)
	h.CertificateKey.validate(fs, at+".certificate_key")
	text(fs, at+".certificate", h.Certificate)
	text(fs, at+".audience", h.Audience)
	if (h.Certificate == "") != (h.CertificateKey == nil) {
		fs.add(at+".certificate", "a certificate and its certificate_key are given together")
	}
	if h.MaxBody < 0 {
		fs.add(at+".max_body", "%d bytes cannot be", h.MaxBody)
	}
	h.requests(fs, at+".requests")
}

// presents checks the credential and how it is presented.
func (r *Resource) presents(fs *Faults, path string, h *HTTP) {
	at := path + ".http"
	switch {
	case h.Auth != "" && !slices.Contains(auths, h.Auth):
		fs.add(at+".auth", "unknown word %q%s", h.Auth, policy.Suggest(h.Auth, auths))
	case h.Auth == "" && r.Password != nil:
		fs.add(at+".auth", "there is a password and no word how it is presented%s", policy.Suggest("", auths))
	case h.Auth != "" && r.Password == nil && r.Unavailable == "":
		fs.add(path+".password", "a credential is needed: the password, token or client's secret that auth: %s presents", h.Auth)
	}
	named := h.Auth == "basic" || h.Auth == "oauth2"
	switch {
	case named && r.User == "":
		fs.add(path+".user", "auth: %s needs a user", h.Auth)
	case !named && r.User != "":
		fs.add(path+".user", "a user is for auth: basic and oauth2: take it away")
	}
	text(fs, path+".user", r.User)
	switch {
	case h.Auth == "header" && !fieldName(h.Header):
		fs.add(at+".header", "%q is no header field that can carry a credential: X-Api-Key, say", h.Header)
	case h.Auth != "header" && h.Header != "":
		fs.add(at+".header", "a header is for auth: header: take it away")
	}
	switch u, err := url.Parse(h.TokenURL); {
	case h.Auth != "oauth2" && h.TokenURL+h.Audience+strings.Join(h.Scopes, "") != "":
		fs.add(at, "token_url, scopes and audience are for auth: oauth2: take them away")
	case h.Auth == "oauth2" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http"):
		fs.add(at+".token_url", "a URL is needed: https://login.example/token")
	case h.Auth == "oauth2" && u.Scheme == "http" && !h.AllowLoopback:
		fs.add(at+".token_url", "the client's secret would travel without TLS: give an https URL")
	}
	for i, s := range h.Scopes {
		if s == "" || !printable(s) || strings.Contains(s, " ") {
			fs.add(fmt.Sprintf("%s.scopes[%d]", at, i), "%q is no scope", s)
		}
	}
}

// origin checks an address: scheme and host, and nothing else.
func origin(fs *Faults, path, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		fs.add(path, "this is no address of a service: https://host or https://host:port")
	case u.User != nil:
		fs.add(path, "the address holds a user or password: give them by user and password")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		fs.add(path, "the address ends with the host: paths are what requests name")
	}
}

// fieldName reports whether a credential can be in a header field of that name.
func fieldName(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return false
		}
	}
	taken := []string{"", "host", "connection", "content-length", "content-type", "transfer-encoding", "cookie", "te", "upgrade", "trailer", "expect"}
	return !slices.Contains(taken, strings.ToLower(s))
}

const maxRequests = 200

func (h *HTTP) requests(fs *Faults, at string) {
	if len(h.Requests) > maxRequests {
		fs.add(at, "%d are more than %d", len(h.Requests), maxRequests)
	}
	seen := map[string]bool{}
	for i, q := range h.Requests {
		one := fmt.Sprintf("%s[%d]", at, i)
		switch {
		case q.Name == "" || len(q.Name) > 64 || !printable(q.Name):
			fs.add(one+".name", "%q is no name: a few words, at most 64 bytes", q.Name)
		case seen[q.Name]:
			fs.add(one+".name", "another request is named %q", q.Name)
		}
		seen[q.Name] = true
		text(fs, one+".description", q.Description)
		if q.Method != "" && strings.Trim(q.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
			fs.add(one+".method", "%q is no method: a word in capitals", q.Method)
		}
		if !path.IsAbs(q.Path) || !printable(q.Path) || strings.Contains(q.Path, " ") {
			fs.add(one+".path", "%q is no path: /v1/orders/{id}, say", q.Path)
		}
		for _, k := range slices.Sorted(maps.Keys(q.Headers)) {
			if !fieldName(k) && !strings.EqualFold(k, "content-type") || strings.EqualFold(k, "authorization") || strings.EqualFold(k, h.Header) || !printable(q.Headers[k]) {
				fs.add(one+".headers."+k, "this header field cannot be sent with a request, or its value holds characters that it cannot")
			}
		}
	}
}

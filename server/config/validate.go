package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxResources = 20_000
	maxRemember  = 30 * 24 * time.Hour
	maxCode      = 5 * time.Minute
	maxIdle      = 24 * time.Hour
	maxText      = 500
)

// Validate checks everything that can be checked without touching the network,
// the targets or the secrets. Its error is Faults: all that is wrong, each with
// its path.
func (c *Config) Validate() error {
	var fs Faults
	text(&fs, "name", c.Name)
	if c.Name == "" {
		fs.add("name", "a name is needed")
	}
	listen(&fs, "listen", c.Listen)
	if c.Address != "" && !addressText(c.Address) {
		fs.add("address", `%q is not what one types behind ssh: bastion.company, or "-p 2222 bastion.company"`, c.Address)
	}
	if c.Data == "" {
		fs.add("data", "a directory is needed, for host key, state and transcripts")
	}
	c.MaskKey.validate(&fs, "mask_key")
	c.SignIn.validate(&fs)
	names(&fs, "groups", c.Groups, "group")
	c.Limits.validate(&fs)
	c.Recording.validate(&fs)
	c.audit(&fs)
	c.resources(&fs)
	c.patterns(&fs)
	c.policy(&fs)
	return fs.err()
}

func (s *SignIn) validate(fs *Faults) {
	issuer(fs, s.Issuer, s.InsecureIssuer)
	if s.ClientID == "" {
		fs.add("sign_in.client_id", "a client id is needed: what the provider knows this bastion by")
	}
	s.ClientSecret.validate(fs, "sign_in.client_secret")
	for i, scope := range s.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			fs.add(fmt.Sprintf("sign_in.scopes[%d]", i), "%q is no scope (RFC 6749 section 3.3)", scope)
		}
	}
	if s.GroupsClaim == "" {
		fs.add("sign_in.groups_claim", "a claim is needed: the one that lists a person's groups")
	}
	names(fs, "sign_in.claims", s.Claims, "claim")
	between(fs, "sign_in.remember_key", s.RememberKey, 0, maxRemember)
	between(fs, "sign_in.code_lifetime", s.CodeLifetime, 10*time.Second, maxCode)
}

// issuer checks the provider's URL (OpenID Connect Discovery 1.0, section 2).
func issuer(fs *Faults, s string, insecure bool) {
	const path = "sign_in.issuer"
	if s == "" {
		fs.add(path, "the provider's URL is needed: https://login.company")
		return
	}
	u, err := url.Parse(s)
	switch {
	case strings.ContainsAny(s, "@?#"):
		fs.add(path, "an issuer has no user, query or fragment") // and its password is not repeated
	case err != nil || u.Host == "" || u.Hostname() == "":
		fs.add(path, "%q is no URL: https://login.company", s)
	case u.Scheme == "https":
	case u.Scheme != "http":
		fs.add(path, "%q is no https URL", s)
	case !loopback(u.Hostname()):
		fs.add(path, "%q is not https, and only on loopback may it be http", s)
	case !insecure:
		fs.add(path, "%q is http: on loopback that needs insecure_issuer: true", s)
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *Limits) validate(fs *Faults) {
	count(fs, "limits.anonymous", l.Anonymous, 1, 100_000)
	count(fs, "limits.anonymous_per_address", l.AnonymousPerIP, 1, 100_000)
	count(fs, "limits.connections", l.Connections, 1, 1_000_000)
	count(fs, "limits.channels_per_connection", l.ChannelsPerConn, 1, 1000)
	between(fs, "limits.idle", l.Idle, time.Second, maxIdle)
	if l.Bytes < 0 {
		fs.add("limits.bytes", "%d bytes cannot be; 0 is no limit", l.Bytes)
	}
	if l.Rows < 0 {
		fs.add("limits.rows", "%d rows cannot be; 0 is no limit", l.Rows)
	}
	between(fs, "limits.statement", l.Statement, time.Second, maxIdle)
}

func count(fs *Faults, path string, n, least, most int) {
	if n < least || n > most {
		fs.add(path, "%d is not between %d and %d", n, least, most)
	}
}

func between(fs *Faults, path string, d Duration, least, most time.Duration) {
	if time.Duration(d) < least || time.Duration(d) > most {
		fs.add(path, "%s is not between %s and %s", d, Duration(least), Duration(most))
	}
}

// validate checks a reference; nil is none. What it holds is not shown: it may
// be a secret in the wrong place.
func (r *Ref) validate(fs *Faults, path string) {
	if r == nil {
		return
	}
	switch {
	case (r.Env == "") == (r.File == ""):
		fs.add(path, "a secret is given by one reference: env: NAME or file: PATH")
	case r.Env != "" && !variableName(r.Env):
		fs.add(path+".env", "this is no name of an environment variable: letters, digits and underscores")
	case !printable(r.File):
		fs.add(path+".file", "the path holds characters that cannot be printed")
	}
}

func variableName(s string) bool {
	for i, r := range s {
		digit := r >= '0' && r <= '9'
		if !(r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || digit && i > 0) {
			return false
		}
	}
	return s != ""
}

// listen checks the address of a listener; any host may be left out.
func listen(fs *Faults, path, s string) {
	host, port, err := net.SplitHostPort(s)
	switch {
	case err != nil:
		fs.add(path, "%q is no address: host:port, or :2222 for all addresses of this machine", s)
	case !portNumber(port, 0):
		fs.add(path, "%q is no port: a number up to 65535", port)
	case host != "" && !hostText(host):
		fs.add(path, "%q is no host", host)
	}
}

// hostPort checks the address of a target.
func hostPort(fs *Faults, path, s string, usual string) {
	host, port, err := net.SplitHostPort(s)
	switch {
	case strings.ContainsAny(s, "@/?"):
		// A URL may hold a password, which must not be repeated.
		fs.add(path, "an address is host:port and no more: user and database have keys of their own, and the password is a reference")
	case err != nil:
		fs.add(path, "%q is no address: host:port, %s as a rule", s, usual)
	case !portNumber(port, 1):
		fs.add(path, "%q is no port: a number from 1 to 65535", port)
	case !hostText(host):
		fs.add(path, "%q is no host", host)
	}
}

func portNumber(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= least && n <= 65535 && strconv.Itoa(n) == s
}

// hostText reports whether s can be a host name or an IP address.
func hostText(s string) bool {
	if net.ParseIP(strings.SplitN(s, "%", 2)[0]) != nil {
		return printable(s)
	}
	ok := func(r rune) bool {
		return r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	return s != "" && len(s) <= 253 && s[0] != '-' && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
}

// addressText reports whether s can stand in a hint behind ssh: words that no
// shell makes anything else of.
func addressText(s string) bool {
	return s != "" && len(s) <= maxText && strings.IndexFunc(s, func(r rune) bool {
		return r > '~' || !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" .-_:@[]%", r))
	}) < 0
}

// names checks a list of names that come from the provider.
func names(fs *Faults, path string, all []string, noun string) {
	for i, n := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case n == "" || n != strings.TrimSpace(n) || n == "*" || !printable(n) || len(n) > maxText:
			fs.add(at, "%q is no %s: a name without white space around it", n, noun)
		case slices.Contains(all[:i], n):
			fs.add(at, "%q is listed twice", n)
		}
	}
}

// text checks a text for people.
func text(fs *Faults, path, s string) {
	switch {
	case len(s) > maxText:
		fs.add(path, "the text is longer than %d bytes", maxText)
	case !printable(s):
		fs.add(path, "the text holds characters that cannot be printed")
	}
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

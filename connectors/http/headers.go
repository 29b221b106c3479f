package http

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// replacing are headers that make a service see another method, path, host or
// person than the request names.
var replacing = []string{
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url", "X-Original-Uri", "X-Override-Url", "X-Forwarded-Host", "X-Host",
	"X-Forwarded-Server", "X-Forwarded-Path", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-Forwarded-Method", "Forwarded", "X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "X-Originating-Ip", "Client-Ip", "Cf-Connecting-Ip",
	"X-Remote-User", "X-Remote-Group", "X-Forwarded-User", "X-Webauth-User", "Remote-User", "X-Auth-Request-User", "X-Amz-Server-Side-Encryption-Context",
}

// methodHeaders are those of replacing that name a method.
var methodHeaders = []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Forwarded-Method"}

func (j *judge) headers() {
	h := j.r.Header
	for _, name := range methodHeaders {
		j.replaced = append(j.replaced, h[name]...)
	}
	for _, name := range replacing {
		if len(h[name]) > 0 {
			j.raise(policy.Dangerous, "the header "+name+" replaces what the request says of itself")
		}
	}
	for name := range h {
		if strings.HasPrefix(name, "Impersonate-") {
			j.raise(policy.Dangerous, "the header "+name+" acts as somebody else")
		}
	}
	for name, values := range h {
		for _, v := range values {
			if strings.Contains(v, "${jndi:") || strings.HasPrefix(strings.TrimSpace(v), "() {") {
				j.raise(policy.Dangerous, "the header "+name+" loads or runs code in some servers")
			}
		}
	}
	lengths, coding := h["Content-Length"], h["Transfer-Encoding"]
	switch {
	case len(coding) > 0 && len(lengths) > 0:
		j.raise(policy.Dangerous, "two lengths: Content-Length and Transfer-Encoding")
	case len(lengths) > 1 || len(coding) > 1 || len(h["Host"]) > 1:
		j.raise(policy.Dangerous, "a header that may stand once stands twice")
	case len(coding) == 1 && coding[0] != "chunked":
		j.raise(policy.Dangerous, "a transfer encoding that can be read in two ways")
	case len(lengths) == 1 && strings.Trim(lengths[0], "0123456789") != "":
		j.raise(policy.Dangerous, "a length that is no number")
	}
	if up := h.Get("Upgrade"); up != "" {
		j.raise(policy.Dangerous, "the upgrade to "+up+" opens a channel that is not judged")
	}
	if why := internal(j.host); j.host != "" && why != "" {
		j.raise(policy.Dangerous, "reaches "+why)
	}
	if strings.ContainsAny(h.Get("Host"), "@/\\?# ,") {
		j.raise(policy.Dangerous, "the Host header is no host")
	}
}

// files are paths of a server's own files, and ways up.
var files = regexp.MustCompile(`(?i)(^|[/\\])\.\.([/\\]|$)|^/?(etc|proc|root|var/run|windows|winnt)[/\\]|^[a-z]:\\|\.ssh/|/etc/(passwd|shadow)|web-inf|\.git/config`)

// hidden are schemes that only a server that fetches for others would follow.
var hidden = regexp.MustCompile(`(?i)^\s*(file|gopher|dict|ftp|tftp|ldap|ldaps|jar|netdoc|phar|expect|data|php|smb|sftp|jndi)(:/|:[a-z])|\$\{jndi:`)

// parameters judges the query: links to inside, ways to files, other methods.
func (j *judge) parameters() {
	low := strings.ToLower(j.query)
	if strings.Contains(low, "%0d") || strings.Contains(low, "%0a") && strings.Contains(low, "%3a") || strings.Contains(low, "%00") {
		j.raise(policy.Dangerous, "an encoded line end or NUL in the query")
	}
	for pair := range strings.SplitSeq(j.query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err == nil {
			name = n
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		switch strings.ToLower(name) {
		case "_method", "x-http-method-override", "method_override", "http_method":
			j.raise(policy.Dangerous, "the parameter "+name+" replaces the method")
			j.replaced = append(j.replaced, value)
		case "cmd", "exec", "command", "eval":
			j.raise(policy.Dangerous, "the parameter "+name+" looks like a command to run")
		case "all", "force", "purge", "cascade":
			if j.r.Method == "DELETE" && name == "all" && value != "false" && value != "0" {
				j.destroys("deletes all")
			}
		}
		j.link(value)
	}
}

// link judges a value that may be fetched or opened by the service.
func (j *judge) link(value string) {
	twice := value
	if v, err := url.QueryUnescape(value); err == nil {
		twice = v
	}
	for _, v := range []string{value, twice} {
		if files.MatchString(v) {
			j.raise(policy.Dangerous, "a value that leads to files of the server")
		}
		if hidden.MatchString(v) {
			j.raise(policy.Dangerous, "a value with a scheme that reaches inside")
		}
		v = strings.TrimSpace(v)
		if strings.HasPrefix(v, "//") {
			v = "http:" + v
		}
		if _, rest, ok := strings.Cut(v, "://"); ok {
			if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
				rest = rest[:i]
			}
			if why := inner(rest); why != "" {
				j.raise(policy.Dangerous, "a link to "+why)
			}
		}
	}
}

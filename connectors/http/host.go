package http

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// target makes the target plain: origin-form, absolute-form or the asterisk.
func (j *judge) target() {
	t := j.r.Target
	j.host = j.r.Header.Get("Host")
	if j.o.Host != "" {
		if j.host != "" && !strings.EqualFold(j.host, j.o.Host) {
			j.raise(policy.Dangerous, "the Host header names another host than the service's")
		}
		j.host = j.o.Host
	}
	switch {
	case j.r.Method == "CONNECT":
		j.path, j.host = "", t
		return
	case t == "*":
		j.path = "*"
		return
	case !strings.HasPrefix(t, "/"):
		t = j.absolute(t)
	case strings.HasPrefix(t, "//"):
		j.raise(policy.Dangerous, "a target that begins with two slashes may be taken for another host")
	}
	if strings.Contains(t, "#") {
		j.raise(policy.Dangerous, "a fragment in the target")
		t, _, _ = strings.Cut(t, "#")
	}
	path, query, _ := strings.Cut(t, "?")
	plain, odd := Normalise(path)
	for _, o := range odd {
		j.raise(policy.Dangerous, o+": effective path is "+plain)
	}
	if j.o.FoldCase {
		plain = strings.ToLower(plain)
		if len(plain) > 1 {
			plain = strings.TrimSuffix(plain, "/")
		}
	}
	j.path, j.query = plain, query
	for _, s := range j.original() {
		j.segments = append(j.segments, strings.ToLower(s))
	}
	j.parameters()
}

// absolute judges a target with a scheme and a host, and returns the rest.
func (j *judge) absolute(t string) string {
	scheme, rest, ok := strings.Cut(t, "://")
	if !ok || strings.ContainsAny(scheme, "/?") {
		j.raise(policy.Dangerous, "a target that is neither a path nor a URL")
		return "/" + t
	}
	if s := strings.ToLower(scheme); s != "http" && s != "https" {
		j.raise(policy.Dangerous, "the scheme "+s)
	}
	authority, path := rest, "/"
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	named := j.host
	j.host = authority
	switch {
	case strings.Contains(authority, "@"):
		j.raise(policy.Dangerous, "a user name in the target's host")
	case named == "":
		j.raise(policy.Dangerous, "a target with a host of its own")
	case !strings.EqualFold(strings.TrimSuffix(named, "."), authority):
		j.raise(policy.Dangerous, "the target's host is not the Host header's")
	}
	return path
}

// internal says why a host is one that requests must not be led to, or "".
func internal(host string) string {
	if i := strings.LastIndex(host, "@"); i >= 0 {
		host = host[i+1:]
	}
	if strings.HasPrefix(host, "[") {
		host, _, _ = strings.Cut(host[1:], "]")
	} else if i := strings.LastIndex(host, ":"); i >= 0 && strings.Count(host, ":") == 1 {
		host = host[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if u, err := url.PathUnescape(host); err == nil {
		host = u
	}
	switch {
	case host == "localhost", strings.HasSuffix(host, ".localhost"), host == "localtest.me", strings.HasSuffix(host, ".localtest.me"), host == "ip6-localhost":
		return "the bastion or the target itself"
	case strings.HasPrefix(host, "metadata.") || host == "metadata" || host == "instance-data":
		return "a cloud's metadata service"
	case embedded.MatchString(host):
		return "an address in disguise"
	}
	a, plain, ok := address(host)
	if !ok {
		return ""
	}
	switch a = a.Unmap(); {
	case a.IsLoopback(), a.IsUnspecified():
		return "the bastion or the target itself"
	case a.IsLinkLocalUnicast(), a.IsLinkLocalMulticast(), a == netip.MustParseAddr("fd00:ec2::254"), a == netip.MustParseAddr("100.100.100.200"):
		return "link-local addresses, where clouds keep metadata and credentials"
	case a.IsMulticast():
		return "a multicast address"
	case !plain:
		return "an address in disguise"
	}
	return ""
}

// inner is internal for a link that a service may follow: there also private
// addresses and names of an inner network are none that it should be led to.
func inner(authority string) string {
	if why := internal(authority); why != "" {
		return why
	}
	if strings.Contains(authority, "@") {
		return "a host behind a user name"
	}
	host := strings.ToLower(strings.TrimSuffix(authority, "."))
	if h, _, ok := strings.Cut(host, ":"); ok && !strings.HasPrefix(host, "[") {
		host = h
	}
	if a, _, ok := address(strings.Trim(host, "[]")); ok {
		if a.Unmap().IsPrivate() {
			return "a private address"
		}
		return ""
	}
	for _, end := range []string{".internal", ".local", ".svc", ".lan", ".corp", ".intranet", ".home.arpa"} {
		if strings.HasSuffix(host, end) {
			return "a name of an inner network"
		}
	}
	if host != "" && !strings.Contains(host, ".") {
		return "a name of an inner network"
	}
	return ""
}

var embedded = regexp.MustCompile(`(^|[.-])(169[.-]254[.-]169[.-]254|127[.-]0[.-]0[.-]1)[.-].*(nip\.io|sslip\.io|xip\.io)$`)

// address reads an IP address in any notation that resolvers take: also decimal,
// octal and hexadecimal numbers, and short forms. plain is set for the usual one.
func address(host string) (a netip.Addr, plain, ok bool) {
	if a, err := netip.ParseAddr(host); err == nil {
		mapped := a.Is4In6() || a.Is6() && strings.HasPrefix(a.String(), "64:ff9b::")
		if mapped && !a.Is4In6() {
			b := a.As16()
			a = netip.AddrFrom4([4]byte(b[12:16]))
		}
		return a, !mapped, true
	}
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return a, false, false
	}
	var n uint64
	for i, p := range parts {
		v, err := strconv.ParseUint(octal(p), 0, 32)
		if err != nil || p == "" || strings.Contains(p, "_") {
			return a, false, false
		}
		if i < len(parts)-1 {
			if v > 255 {
				return a, false, false
			}
			n |= v << (24 - 8*i)
			continue
		}
		if v >= 1<<(32-8*i) {
			return a, false, false
		}
		n |= v
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), false, true
}

// octal keeps Go from reading 0o and 0b, which resolvers do not know.
func octal(p string) string {
	if len(p) > 1 && p[0] == '0' && strings.ContainsAny(p[1:2], "oObB") {
		return "x"
	}
	return p
}

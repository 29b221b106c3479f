package http

import (
	"fmt"
	nethttp "net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/policy"
)

// Bounds of what is judged, in bytes; more is unknown.
const (
	maxHead = 64 << 10
	maxBody = 1 << 20
	maxWhy  = 6
)

// Options are what the configuration says of a service. The zero value is right.
type Options struct {
	// Host is the service's own authority; a request to another is dangerous. ""
	// takes the Host header's word.
	Host string
	// FoldCase is set for services that tell neither /Admin nor /admin/ from /admin. Words in
	// paths are recognised without case anyway; this is for the path in the facts.
	FoldCase bool
}

// Facts judges a request written as text: "METHOD target", headers, an empty
// line, a body. It never fails: what cannot be judged is Unknown and says why.
func Facts(text string) policy.Facts {
	r, err := Parse(text)
	if err != nil {
		return policy.Facts{Class: policy.Unknown, Opaque: true, Why: err.Error()}
	}
	return r.Facts(Options{})
}

// Request is a request as it came, before anything was made plain.
type Request struct {
	Method, Target string
	Header         nethttp.Header
	Body           []byte
	// Odd is what was strange about its text.
	Odd []string
}

// Facts judges the request.
func (r *Request) Facts(o Options) policy.Facts {
	j := &judge{r: r, o: o, class: policy.Read}
	if why := r.unfit(); why != "" {
		j.raise(policy.Unknown, why)
		return j.facts()
	}
	for _, odd := range r.Odd {
		j.raise(policy.Dangerous, odd)
	}
	j.method()
	j.target()
	j.headers()
	j.meaning()
	return j.facts()
}

func (r *Request) unfit() string {
	switch {
	case len(r.Target) > maxHead:
		return fmt.Sprintf("the target is longer than %d KiB", maxHead>>10)
	case len(r.Body) > maxBody:
		return fmt.Sprintf("the body is longer than %d KiB", maxBody>>10)
	case !utf8.ValidString(r.Target):
		return "the target is not valid UTF-8"
	case r.Method == "" || strings.Trim(r.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "":
		return "the method is none"
	case r.Target == "":
		return "there is no target"
	}
	return ""
}

// judge collects what is found in one request.
type judge struct {
	r           *Request
	o           Options
	path, query string // made plain
	host        string
	segments    []string // of the path, lower case
	replaced    []string // methods that something else than the method names
	class       policy.Class
	destructive bool
	why         []string
}

func (j *judge) raise(c policy.Class, why string) {
	if c.Severity() > j.class.Severity() {
		j.why = slices.Insert(j.why, 0, why)
	} else if c != policy.Read {
		j.why = append(j.why, why)
	}
	j.class = policy.Worst(j.class, c)
}

func (j *judge) destroys(why string) {
	j.destructive = true
	j.raise(policy.Write, why)
}

func (j *judge) facts() policy.Facts {
	var why []string
	for _, w := range j.why {
		if w != "" && !slices.Contains(why, w) && len(why) < maxWhy {
			why = append(why, w)
		}
	}
	return policy.Facts{
		Class: j.class, Verb: j.r.Method, Destructive: j.destructive, Why: strings.Join(why, "; "), Opaque: j.class == policy.Unknown, Statements: 1,
		HTTP: &policy.HTTPRequest{
			Method: j.r.Method, Host: j.host, Path: j.path, Query: j.query,
			ContentType: j.r.Header.Get("Content-Type"), Size: int64(len(j.r.Body)),
		},
	}
}

// methods are those with a meaning of their own.
var methods = map[string]policy.Class{
	"GET": policy.Read, "HEAD": policy.Read, "OPTIONS": policy.Read, "PROPFIND": policy.Read, "REPORT": policy.Read, "SEARCH": policy.Read, "QUERY": policy.Read,
	"POST": policy.Write, "PUT": policy.Write, "PATCH": policy.Write, "DELETE": policy.Write,
	"MKCOL": policy.Write, "COPY": policy.Write, "MOVE": policy.Write, "LOCK": policy.Write, "UNLOCK": policy.Write, "PROPPATCH": policy.Write, "PURGE": policy.Write,
	"ACL": policy.Privilege, "LINK": policy.Write, "UNLINK": policy.Write,
	"CONNECT": policy.Dangerous, "TRACE": policy.Dangerous, "TRACK": policy.Dangerous, "DEBUG": policy.Dangerous,
}

func (j *judge) method() {
	c, ok := methods[j.r.Method]
	switch {
	case !ok:
		j.raise(policy.Unknown, "the method "+j.r.Method+" is not known")
	case c == policy.Dangerous:
		j.raise(c, j.r.Method+" opens a tunnel or shows what is between")
	default:
		j.raise(c, j.r.Method+" changes what is there")
	}
	if j.r.Method == "PURGE" {
		j.destroys("PURGE empties a cache")
	}
}

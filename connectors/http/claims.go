package http

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// believed reports whether the service reads the body as the form says: its path
// must say so. Who sends the body writes what they like into it; a service that
// does not know the form does what method and path ask for, and takes no notice
// of keys that it does not know.
func (j *judge) believed(f form) bool {
	if j.r.Method != "POST" {
		return false
	}
	switch f {
	case formGraphQL:
		return slices.ContainsFunc(j.segments, func(s string) bool { return s == "graphql" || s == "gql" })
	case formRPC:
		return slices.ContainsFunc(j.segments, func(s string) bool { return strings.HasSuffix(s, "rpc") })
	case formSOAP:
		return slices.ContainsFunc(j.segments, func(s string) bool {
			return strings.Contains(s, "soap") || s == "ws" || strings.HasSuffix(s, ".asmx") || strings.HasSuffix(s, ".svc")
		})
	}
	return f == formSearch // which the path says
}

// pathGraphQL reports whether the path is one of GraphQL's.
func (j *judge) pathGraphQL() bool {
	return slices.ContainsFunc(j.segments, func(s string) bool { return s == "gql" || strings.HasPrefix(s, "graphql") })
}

// asksGraphQL reports whether the body or the query may hold a GraphQL document,
// however its JSON is written.
func (j *judge) asksGraphQL(body []byte) bool {
	if q, err := url.ParseQuery(j.query); err == nil && slices.ContainsFunc(q["query"], func(d string) bool { _, ok := operations(d); return ok }) {
		return true
	}
	if slices.ContainsFunc(j.formDocuments(body), graphQLBegins.MatchString) {
		return true
	}
	if len(body) == 0 || body[0] != '{' && body[0] != '[' {
		return false
	}
	list := []json.RawMessage{body}
	if body[0] == '[' {
		if list = nil; json.Unmarshal(body, &list) != nil { // into the list as it was, it would write over the body
			return false
		}
	}
	for _, m := range list {
		var keys map[string]json.RawMessage
		if json.Unmarshal(m, &keys) != nil {
			continue
		}
		for k, v := range keys {
			var doc string
			if strings.EqualFold(k, "query") && json.Unmarshal(v, &doc) == nil && graphQLBegins.MatchString(doc) {
				return true
			}
		}
	}
	return false
}

// formDocuments are what a form says under the name that GraphQL's services read a
// document by.
func (j *judge) formDocuments(body []byte) []string {
	if !strings.Contains(strings.ToLower(j.r.Header.Get("Content-Type")), "form-urlencoded") {
		return nil
	}
	q, _ := url.ParseQuery(string(body)) // what it can read
	return q["query"]
}

var graphQLBegins = regexp.MustCompile(`^[\s,\x{feff}]*(query|mutation|subscription|fragment|#|\{)`)

// calls are the names of the procedures that an envelope calls: whatever stands in
// its body. ok is false where it cannot be read.
func calls(envelope []byte) (names []string, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(envelope))
	depth, bodies, inside := 0, 0, false
	for {
		t, err := d.Token()
		if err == io.EOF {
			return names, bodies == 1 && len(names) > 0
		}
		if err != nil {
			return nil, false
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			switch {
			case depth == 2 && t.Name.Local == "Body":
				bodies++
				inside = true
			case depth == 3 && inside:
				names = append(names, t.Name.Local)
			}
		case xml.EndElement:
			if depth == 2 {
				inside = false
			}
			depth--
		}
	}
}

// action is the procedure that the head names, "" for none: some services take its
// word, not the envelope's.
func (j *judge) action() string {
	a := strings.Trim(j.r.Header.Get("Soapaction"), ` "`)
	a = strings.TrimRight(a, "/#:")
	return a[strings.LastIndexAny(a, "/#:")+1:]
}

// partOverride finds a part of a form that replaces the method.
var partOverride = regexp.MustCompile(`(?i)name\s*=\s*"?_method\b`)

// formValues judges the fields of a form. One that readers may split in two ways
// is judged in both.
func (j *judge) formValues(b []byte, writes bool) {
	q, err := url.ParseQuery(string(b))
	if err != nil {
		j.raise(policy.Dangerous, "a form that can be read in two ways")
	}
	for k, vs := range q {
		j.key(k, writes)
		if k == "_method" {
			j.replaced = append(j.replaced, vs...)
		}
		for _, v := range vs {
			j.link(v)
		}
	}
}

// encoding judges how the body is written: what the judge cannot read as text is
// not judged by what it says, and a service may read it all the same.
func (j *judge) encoding() {
	h := j.r.Header
	for _, name := range []string{"Content-Type", "Content-Encoding", "Soapaction"} {
		if len(h[name]) > 1 {
			j.raise(policy.Dangerous, "the header "+name+" stands twice")
		}
	}
	if len(j.r.Body) == 0 {
		return
	}
	if c := strings.TrimSpace(h.Get("Content-Encoding")); c != "" && !strings.EqualFold(c, "identity") {
		j.raise(policy.Dangerous, "the body is encoded ("+c+"), so that it is not judged")
	}
	if bytes.IndexByte(j.r.Body, 0) >= 0 { // UTF-16 and UTF-32 have them, and readers of JSON find them out
		j.raise(policy.Dangerous, "the body is no text in UTF-8, so that it is not judged")
	}
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if c := strings.ToLower(params["charset"]); err == nil && !plainCharsets[c] {
		j.raise(policy.Dangerous, "the body's characters are said to be "+c+", so that it is not judged")
	}
}

// plainCharsets are those in which ASCII is what it is.
var plainCharsets = map[string]bool{"": true, "utf-8": true, "utf8": true, "us-ascii": true, "ascii": true, "iso-8859-1": true, "latin1": true, "windows-1252": true}

package connectors

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

// Masking is a stream on its way to another writer: one that a plan masks.
type Masking interface {
	io.Writer
	Flush() error
	// Hits is how many values were masked so far.
	Hits() int64
}

// Body returns what masks the body of an answer with these header fields on its
// way to w. JSON is read as such and masked by the paths of the plan, and by those
// that the kind adds, whoever looks. Events (text/event-stream) are read likewise,
// line by line. Anything else is text for the detectors; where there are paths it
// cannot be told what they hide there, so it is withheld from where it is no JSON.
// notify may be nil.
func Body(p *mask.Plan, w io.Writer, fields []Field, more []mask.PathRule, notify func(mask.Mark)) (Masking, error) {
	added, err := p.NewPaths(more)
	if err != nil {
		return nil, err
	}
	paths := p.Paths().And(added)
	typ := MediaType(fields)
	switch {
	case typ == "text/event-stream":
		e := &events{w: w, plan: p, paths: paths, notify: notify}
		return e, nil
	case paths != nil || isJSON(typ):
		j := p.JSON(w, paths)
		j.Notify = notify
		return j, nil
	}
	t := p.Writer(w)
	t.Notify = notify
	return t, nil
}

// MediaType is the type that header fields give a body, in lower case and without
// parameters, "" for none.
func MediaType(fields []Field) string {
	typ, _, _ := strings.Cut(FieldValue(fields, "Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(typ))
}

// FieldValue is the value of the first field of that name.
func FieldValue(fields []Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

func isJSON(typ string) bool {
	return strings.HasSuffix(typ, "/json") || strings.HasSuffix(typ, "+json") || strings.HasSuffix(typ, "json-seq") ||
		strings.HasSuffix(typ, "/x-ndjson") || strings.HasSuffix(typ, "/ndjson") || strings.HasSuffix(typ, "/jsonl") || strings.HasSuffix(typ, "/jsonlines")
}

// Readable reports whether detectors can read a body with these fields as the text
// that people see: UTF-8, or an encoding that has ASCII where it has. A body
// that is still encoded otherwise (gzip) is not.
func Readable(fields []Field) bool {
	if c := strings.ToLower(FieldValue(fields, "Content-Encoding")); c != "" && c != "identity" {
		return false
	}
	_, params, err := mime.ParseMediaType(FieldValue(fields, "Content-Type"))
	if err != nil {
		return true // no charset that anybody would read it by
	}
	switch c := strings.ToLower(params["charset"]); {
	case c == "", c == "utf-8", c == "utf8", c == "us-ascii", c == "ascii", strings.HasPrefix(c, "iso-8859-"), strings.HasPrefix(c, "windows-125"), c == "latin1":
		return true
	}
	return false
}

// withheldFields are header fields of answers whose values are credentials, or tell
// of a body what masking hides: by its hash one can try values.
var withheldFields = map[string]bool{"Set-Cookie": true, "Set-Cookie2": true, "Authentication-Info": true, "Proxy-Authentication-Info": true,
	"Content-Md5": true, "Digest": true, "Content-Digest": true, "Repr-Digest": true}

// MaskFields returns the fields as they may be shown under the plan: values that
// are credentials at the target or hashes of the body are withheld, the rest passes
// the detectors. Content-Length is left out: it is the length of what is not shown.
// It counts what was masked.
func MaskFields(p *mask.Plan, fields []Field) (out []Field, hits int64) {
	for _, f := range fields {
		name := textproto.CanonicalMIMEHeaderKey(f.Name)
		if name == "Content-Length" {
			continue
		}
		f.Name, _ = p.Text(f.Name)
		if withheldFields[name] {
			f.Value, f.Masked = mask.Redacted, true
		} else {
			var hit bool
			f.Value, hit = p.Text(f.Value)
			f.Masked = f.Masked || hit
		}
		if f.Masked {
			hits++
		}
		out = append(out, f)
	}
	return out, hits
}

// HeadText is the head of an answer as transcripts keep it: the status, a line for
// each field, and an empty one.
func HeadText(status int, fields []Field) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %s\n", StatusText(status))
	for _, f := range fields {
		b.WriteString(oneLine(f.Name) + ": " + oneLine(f.Value) + "\n")
	}
	b.WriteString("\n")
	return b.String()
}

// StatusText is a status as people know it: 404 Not Found.
func StatusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, s)
}

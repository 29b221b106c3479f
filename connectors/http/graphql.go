package http

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// maxFields bounds the top fields that are judged of one document.
const maxFields = 1000

// graphQL judges every operation of every document in the request.
func (j *judge) graphQL() {
	docs, ok := j.documents()
	if !ok {
		if j.class == policy.Read && len(j.r.Body) == 0 && j.query == "" {
			return // a GET of the page that explains it
		}
		j.raise(policy.Unknown, "there is no GraphQL document to judge")
		return
	}
	reads := true
	for _, d := range docs {
		ops, ok := operations(d)
		if !ok {
			j.raise(policy.Unknown, "the GraphQL document cannot be read")
			return
		}
		changes := slices.ContainsFunc(ops, func(o operation) bool { return o.kind == "mutation" })
		for _, o := range ops {
			if changes && o.kind == "fragment" {
				o.kind = "mutation" // it may be spread there
			}
			reads = j.operation(o) && reads
		}
	}
	if reads {
		j.undoWrite(formGraphQL)
	}
}

// documents finds the GraphQL texts: in the body, in a batch, in the query.
func (j *judge) documents() (docs []string, ok bool) {
	if q, err := url.ParseQuery(j.query); err == nil {
		docs = append(docs, q["query"]...)
	}
	b := bytes.TrimSpace(j.r.Body)
	switch {
	case len(b) == 0:
		return docs, len(docs) > 0
	case strings.Contains(j.r.Header.Get("Content-Type"), "application/graphql") && b[0] != '[':
		if !json.Valid(b) {
			return append(docs, string(b)), true
		}
	}
	if of := j.formDocuments(b); len(of) > 0 {
		return append(docs, of...), true
	}
	list := []json.RawMessage{b}
	if b[0] == '[' {
		list = nil
		if json.Unmarshal(b, &list) != nil {
			return nil, false
		}
	}
	for _, m := range list {
		var one struct {
			Query string `json:"query"`
		}
		if twice(m, "query") || json.Unmarshal(m, &one) != nil || one.Query == "" {
			return nil, false // a persisted query, or a key that stands twice: not in the text
		}
		docs = append(docs, one.Query)
	}
	return docs, len(docs) > 0
}

// twice reports whether a key of the object stands more than once, in any case:
// readers differ in which they take.
func twice(object []byte, key string) bool {
	d := json.NewDecoder(bytes.NewReader(object))
	depth, n, isKey := 0, 0, false
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		switch v := t.(type) {
		case json.Delim:
			if v == '{' || v == '[' {
				depth++
				isKey = v == '{' && depth == 1
				continue
			}
			depth--
		case string:
			if depth == 1 && isKey {
				if strings.EqualFold(v, key) {
					if n++; n > 1 {
						return true
					}
				}
				isKey = false
				continue
			}
		}
		isKey = depth == 1
	}
}

// operation is one of a document, with its top fields.
type operation struct {
	kind   string   // query, mutation, subscription, fragment
	open   []string // fields that are asked for with an empty condition
	fields []string
	all    []string // every name in it
}

// operations reads a document: enough of GraphQL's grammar to find operations
// and the names of their fields, with strings and comments taken for what they are.
func operations(doc string) ([]operation, bool) {
	toks, ok := lex(doc)
	if !ok {
		return nil, false
	}
	var ops []operation
	for i := 0; i < len(toks); {
		o := operation{kind: "query"}
		switch toks[i] {
		case "{":
		case "query", "mutation", "subscription", "fragment":
			o.kind = toks[i]
			for depth := 0; i < len(toks) && (toks[i] != "{" || depth > 0); i++ {
				switch toks[i] {
				case "(", "[":
					depth++
				case ")", "]":
					depth--
				}
			}
		default:
			return nil, false
		}
		if i >= len(toks) {
			return nil, false
		}
		end, ok := o.selection(toks, i)
		if !ok {
			return nil, false
		}
		ops = append(ops, o)
		i = end
	}
	return ops, len(ops) > 0
}

// conditions are arguments that choose what a field is about.
var conditions = set("where filter filters condition conditions criteria selector query match")

// selection reads a selection set that begins at i and returns where it ends.
func (o *operation) selection(toks []string, i int) (int, bool) {
	braces, parens := 0, 0
	for ; i < len(toks) && len(o.all) < maxFields; i++ {
		switch t := toks[i]; t {
		case "{":
			if parens == 0 {
				braces++
			}
		case "}":
			if parens == 1 && toks[i-1] == "{" && conditions[toks[i-3]] && len(o.fields) > 0 {
				o.open = append(o.open, o.fields[len(o.fields)-1])
			}
			if parens == 0 {
				if braces--; braces == 0 {
					return i + 1, true
				}
			}
		case "(":
			parens++
		case ")":
			parens--
		case ":", ",", "...", "@", "$", "=", "!", "[", "]", "|", "&", `""`:
		default:
			if parens > 0 || i > 0 && (toks[i-1] == "@" || toks[i-1] == "...") {
				continue
			}
			if i+1 < len(toks) && toks[i+1] == ":" {
				continue // an alias
			}
			o.all = append(o.all, t)
			if braces == 1 {
				o.fields = append(o.fields, t)
			}
		}
	}
	return i, false
}

// lex splits a document; strings become "".
func lex(doc string) ([]string, bool) {
	var toks []string
	for i := 0; i < len(doc); {
		c := doc[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',':
			i++
		case strings.HasPrefix(doc[i:], "\ufeff"):
			i += len("\ufeff")
		case c == '#':
			for i < len(doc) && doc[i] != '\n' && doc[i] != '\r' {
				i++
			}
		case c == '"':
			n, ok := quoted(doc[i:])
			if !ok {
				return nil, false
			}
			toks, i = append(toks, `""`), i+n
		case strings.HasPrefix(doc[i:], "..."):
			toks, i = append(toks, "..."), i+3
		case nameByte(c) || c == '-':
			n := 1
			for i+n < len(doc) && (nameByte(doc[i+n]) || doc[i+n] == '.' && c <= '9') {
				n++
			}
			toks, i = append(toks, doc[i:i+n]), i+n
		case strings.IndexByte("{}()[]:!$@=|&", c) >= 0:
			toks, i = append(toks, string(c)), i+1
		default:
			return nil, false
		}
	}
	return toks, len(toks) > 0
}

func quoted(s string) (int, bool) {
	if strings.HasPrefix(s, `"""`) {
		for i := 3; i < len(s); i++ {
			if strings.HasPrefix(s[i:], `\"""`) {
				i += 3
			} else if strings.HasPrefix(s[i:], `"""`) {
				return i + 3, true
			}
		}
		return 0, false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		case '\n':
			return 0, false
		}
	}
	return 0, false
}

func nameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// aliased reports whether a document gives a field another name, or cannot be read.
func aliased(doc string) bool {
	toks, ok := lex(doc)
	parens := 0
	for i, t := range toks {
		switch t {
		case "(":
			parens++
		case ")":
			parens--
		case ":":
			// An alias stands before a name in a selection; elsewhere colons stand in
			// parentheses.
			if parens == 0 && i > 0 {
				return true
			}
		}
	}
	return !ok || parens != 0
}

// operation judges one and reports whether it only reads.
func (j *judge) operation(o operation) bool {
	if o.kind == "mutation" {
		j.raise(policy.Write, "a mutation")
		for _, f := range o.fields {
			j.procedure(f)
		}
		for _, f := range o.open {
			if ws := words(f); len(ws) > 0 && (losers[ws[0]] || ws[0] == "update" || ws[0] == "set") {
				j.destroys(f + " is not bounded: its condition is empty")
			}
		}
		return false
	}
	for _, f := range o.all {
		for _, w := range append(words(f), strings.Join(words(f), "")) {
			if credentials[w] && w != "key" && w != "keys" {
				j.raise(policy.Privilege, "credentials: "+f)
			}
		}
	}
	return true
}

package policy

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// request reads a question: who, where, what, and facts. What is a class (of a
// SQL statement), an action, or action:class.
func (s *scenario) request(t *testing.T, q []string) Request {
	t.Helper()
	r := Request{Identity: s.who(t, q[0]), Resource: s.where(t, q[1])}
	action, class, both := strings.Cut(q[2], ":")
	switch c, err := ParseClass(action); {
	case both:
		if c, err = ParseClass(class); err != nil {
			t.Fatal(err)
		}
		r.Action, r.Facts.Class = Action(action), c
	case err == nil:
		r.Action, r.Facts.Class = ActionSQL, c
	default:
		r.Action = Action(action)
	}
	for _, word := range q[3:] {
		key, value, _ := strings.Cut(word, "=")
		s.fact(t, &r, key, value)
	}
	return r
}

// fact sets one fact of a question.
func (s *scenario) fact(t *testing.T, r *Request, key, value string) {
	t.Helper()
	f := &r.Facts
	switch key {
	case "verb":
		f.Verb = value
	case "why":
		f.Why = value
	case "destructive":
		f.Destructive = true
	case "tables":
		for _, name := range strings.Split(value, ",") {
			f.Tables = append(f.Tables, Table{Schema: "public", Name: name, Kind: TablePlain, Write: f.Class > Read})
		}
	case "reads":
		for _, name := range strings.Split(value, ",") {
			table, column, _ := strings.Cut(name, ".")
			f.Reads = append(f.Reads, Column{Table: table, Name: column})
		}
	case "functions":
		f.Functions = strings.Split(value, ",")
	case "commands":
		for _, name := range strings.Split(value, ",") {
			f.Commands = append(f.Commands, Command{Name: name, Class: f.Class})
		}
	case "estimate":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		f.Estimate = &n
	case "http":
		method, path, _ := strings.Cut(value, ":")
		f.HTTP = &HTTPRequest{Method: method, Path: path}
	case "file": // what:path[/] of each, a slash at the end is a tree
		for _, one := range strings.Split(value, ",") {
			op, path, _ := strings.Cut(one, ":")
			a := FileAccess{Operation: op, Path: path, Class: f.Class}
			if p, ok := strings.CutSuffix(path, "/"); ok && p != "" {
				a.Path, a.Tree = p, true
			}
			f.Files = append(f.Files, a)
		}
	case "size":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		f.Files[0].Size = &n
	case "kube":
		p := strings.Split(value, ":")
		f.Kubernetes = &KubernetesCall{Verb: p[0], Resource: p[1], Namespace: p[2]}
	case "from":
		r.Session.From = value
	case "now":
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			t.Fatal(err)
		}
		r.Now = at
	default:
		t.Fatalf("unknown fact %q", key)
	}
}

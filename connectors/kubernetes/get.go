package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/sallyport/sallyport/connectors"
)

func asExit(err error, e *exitCode) bool { return errors.As(err, e) }

// tableForm asks the server for rows as it would show them.
const tableForm = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

// page is how many objects are asked for at once.
const page = "500"

// get shows objects.
func (l *job) get() error {
	all, err := l.objects(l.words)
	if err != nil {
		return err
	}
	show, err := formOf(l.f.last("-o", "--output"))
	if err != nil {
		return err
	}
	if l.on("-w", "--watch") {
		return l.watch(all)
	}
	if show.tables() {
		return l.tables(all, show)
	}
	return l.whole(all, show)
}

// form is how objects are shown.
type form struct {
	word string // "", wide, name, json, yaml, table, jsonpath
	path *jsonpath.JSONPath
}

func (f form) tables() bool {
	return f.word == "" || f.word == "wide" || f.word == "name" || f.word == "table"
}

// Bounds of a template: its bytes, how often it may look for something at any depth,
// and how many times it may name the same thing. All that it finds is held at once.
const (
	maxTemplate = 2048
	maxDescents = 2
	maxBranches = 64
)

// branches is how many times a template may name the same thing: a union names as
// many as it likes, and a union of each of those multiplies them.
func branches(template string) int {
	n, in, depth := 1, 1, 0
	for _, r := range template {
		switch {
		case r == '[':
			depth++
		case r == ',' && depth > 0:
			in++
		case r == ']' && depth > 0:
			depth--
			n, in = min(n*in, maxBranches+1), 1
		}
	}
	return n
}

func formOf(word string) (form, error) {
	switch word {
	case "", "wide", "name", "json", "yaml", "table":
		return form{word: word}, nil
	}
	template, ok := strings.CutPrefix(word, "jsonpath=")
	if !ok {
		return form{}, wrong("-o is one of wide, name, json, yaml, jsonpath=TEMPLATE, and table (the server's own, as JSON)")
	}
	// Each descent multiplies what is found by how deep a document is.
	if strings.Count(strings.ReplaceAll(template, "...", ".. .."), "..") > maxDescents {
		return form{}, wrong("the template of jsonpath descends (..) more than %d times", maxDescents)
	}
	if len(template) > maxTemplate || branches(template) > maxBranches {
		return form{}, wrong("the template of jsonpath is longer than %d bytes, or names more than %d things at once", maxTemplate, maxBranches)
	}
	p := jsonpath.New("-o").AllowMissingKeys(true)
	if err := p.Parse(template); err != nil {
		return form{}, wrong("the template of jsonpath cannot be read: %s", err)
	}
	return form{"jsonpath", p}, nil
}

// query is what narrows a list.
func (l *job) query() url.Values {
	q := url.Values{}
	if s := l.f.last("-l", "--selector"); s != "" {
		q.Set("labelSelector", s)
	}
	if s := l.f.last("--field-selector"); s != "" {
		q.Set("fieldSelector", s)
	}
	return q
}

func target(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// pages asks for an object, or for a list in pages, and hands each answer on.
func (l *job) pages(o object, accept string, take func([]byte) error) error {
	if o.name != "" {
		b, err := l.ask(request{method: "GET", target: l.at(o), accept: accept})
		if err != nil {
			return err
		}
		return take(b)
	}
	q := l.query()
	q.Set("limit", page)
	for {
		b, err := l.ask(request{method: "GET", target: target(o.kind.collection(l.namespace()), q), accept: accept})
		if err != nil {
			return err
		}
		if err := take(b); err != nil {
			return err
		}
		var list struct{ Metadata struct{ Continue string } }
		if err := json.Unmarshal(b, &list); err != nil {
			return errNotJSON
		}
		if list.Metadata.Continue == "" || list.Metadata.Continue == q.Get("continue") {
			return nil
		}
		q.Set("continue", list.Metadata.Continue)
	}
}

var errNotJSON = fmt.Errorf("%w: its answer is not JSON", connectors.ErrProtocol)

func (l *job) tables(all []object, show form) error {
	several := false
	for _, o := range all[1:] {
		several = several || o.kind.full() != all[0].kind.full()
	}
	p := &tablePrinter{out: l.out, wide: show.word == "wide", headers: !l.on("--no-headers"), spaces: l.on("-A", "--all-namespaces"), labels: l.on("--show-labels")}
	shown := 0
	for i, o := range all {
		if i == 0 || o.kind.full() != all[i-1].kind.full() {
			p.begin(o.kind, several)
		}
		err := l.pages(o, tableForm, func(b []byte) error {
			if show.word == "table" {
				shown++
				return l.print("%s\n", b)
			}
			t, err := readTable(b)
			if err != nil {
				return err
			}
			shown += len(t.Rows)
			if show.word == "name" {
				return p.names(t)
			}
			return p.add(t)
		})
		if err != nil {
			return err
		}
		if several && len(all) > 1 {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	if shown == 0 && l.term.Stdio.Err != nil {
		where := " in " + l.namespace() + " namespace"
		if l.namespace() == "" || !all[0].kind.namespaced {
			where = ""
		}
		_, err := fmt.Fprintf(l.term.Stdio.Err, "No resources found%s.\n", where)
		return err
	}
	return nil
}

// whole shows the objects themselves: one by itself, several as a list.
func (l *job) whole(all []object, show form) error {
	if len(all) == 1 && all[0].name != "" {
		b, err := l.ask(request{method: "GET", target: l.at(all[0])})
		if err != nil {
			return err
		}
		return show.print(l.out, b)
	}
	items := []json.RawMessage{}
	for _, o := range all {
		size := 0
		err := l.pages(o, "", func(b []byte) error {
			var list struct{ Items []json.RawMessage }
			if o.name != "" {
				list.Items = []json.RawMessage{b}
			} else if err := json.Unmarshal(b, &list); err != nil {
				return errNotJSON
			}
			if size += len(b); size > maxAnswer {
				return errLong
			}
			for _, item := range list.Items {
				items = append(items, typed(item, o.kind))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	b, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": items, "metadata": struct{}{}})
	if err != nil {
		return errNotJSON
	}
	return show.print(l.out, b)
}

// typed is an item of a list with the kind that the list does not repeat.
func typed(item json.RawMessage, k kind) json.RawMessage {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(item), []byte("{"))
	if !ok || bytes.HasPrefix(rest, []byte(`"kind"`)) || bytes.HasPrefix(rest, []byte(`"apiVersion"`)) {
		return item
	}
	head, err := json.Marshal(map[string]string{"apiVersion": k.apiVersion(), "kind": k.kind})
	if err != nil {
		return item
	}
	return append(append(head[:len(head)-1:len(head)-1], ','), rest...)
}

func (f form) print(w io.Writer, b []byte) error {
	switch f.word {
	case "yaml":
		y, err := yaml.JSONToYAML(b)
		if err != nil {
			return errNotJSON
		}
		_, err = w.Write(y)
		return err
	case "jsonpath":
		var v any
		if json.Unmarshal(b, &v) != nil {
			return errNotJSON
		}
		if err := f.path.Execute(w, v); err != nil {
			return wrong("jsonpath: %s", err)
		}
		return nil
	}
	var out bytes.Buffer
	if json.Indent(&out, bytes.TrimSpace(b), "", "    ") != nil {
		return errNotJSON
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(w)
	return err
}

// watch shows rows as they change, until the requester has seen enough.
func (l *job) watch(all []object) error {
	if len(all) != 1 {
		return wrong("one type can be watched at a time")
	}
	o := all[0]
	q := l.query()
	q.Set("watch", "true")
	if o.name != "" {
		q.Set("fieldSelector", "metadata.name="+o.name)
	}
	p := &tablePrinter{out: l.out, headers: !l.on("--no-headers"), spaces: l.on("-A", "--all-namespaces")}
	p.begin(o.kind, false)
	return l.follow(request{method: "GET", target: target(o.kind.collection(l.namespace()), q), accept: tableForm}, func(kind string, object []byte) error {
		if kind == "BOOKMARK" {
			return nil
		}
		t, err := readTable(object)
		if err != nil {
			return err
		}
		if err := p.add(t); err != nil {
			return err
		}
		return p.flush()
	})
}

// follow reads the events of a watch as they come. errEnough of take ends it.
func (l *job) follow(r request, take func(kind string, object []byte) error) error {
	in, out := io.Pipe()
	read := make(chan error, 1)
	go func() {
		bounded := &eventReader{r: in}
		d := json.NewDecoder(bounded)
		for bounded.n = 0; ; bounded.n = 0 {
			var e struct {
				Type   string
				Object json.RawMessage
			}
			err := d.Decode(&e)
			if err == nil && e.Type == "ERROR" {
				err = &connectors.TargetError{Code: "watch", Text: "the watch ended"}
			}
			if err == nil {
				err = take(e.Type, e.Object)
			}
			if err != nil {
				_ = in.CloseWithError(err)
				read <- err
				return
			}
		}
	}()
	err := l.send(r, &answer{to: out})
	_ = out.CloseWithError(io.EOF)
	why := <-read
	switch {
	case errors.Is(why, errEnough):
		return nil
	case errors.Is(why, io.EOF), errors.Is(why, io.ErrUnexpectedEOF):
		return err
	case err != nil && !errors.Is(err, why):
		return err
	}
	return why
}

var errEnough = errors.New("enough")

// maxEvent bounds one event of a watch, which is held to be shown.
const maxEvent = 16 << 20

// eventReader reads up to maxEvent bytes of an event.
type eventReader struct {
	r io.Reader
	n int
}

func (e *eventReader) Read(b []byte) (int, error) {
	if e.n > maxEvent {
		return 0, errLong
	}
	n, err := e.r.Read(b)
	e.n += n
	return n, err
}

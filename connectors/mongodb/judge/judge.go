package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Form is how a command answers.
type Form uint8

const (
	Reply   Form = iota // with one document
	Cursor              // with documents, in batches
	Values              // with a list of values, of distinct
	Number              // with a number, of count
	Found               // with one document or none, of findAndModify
	Written             // with how many were changed
)

// View is what the catalog knows of a collection that is a view.
type View struct {
	On       string
	Pipeline bsoncore.Array
}

// Catalog finds views. known is false where it cannot be told what a name stands for.
type Catalog interface {
	View(name string) (v View, view, known bool)
}

// Judgement is all that is found out about a command without running it.
type Judgement struct {
	Name  string // as the server spells it
	Facts policy.Facts
	Trace *connectors.Trace
	Form  Form
	// Document is where the answer's documents come from; of Values, one of them.
	Document *connectors.Document
	// Columns are the names of all fields at the top of the documents, in order, nil
	// where there may be any.
	Columns []string
	// Limited says that the command takes maxTimeMS.
	Limited bool
	// Batched says that the command takes the size of its first batch: "" where it does
	// not, else below which key.
	Batched string
	// Cannot says why the command is not run, "" if it may be.
	Cannot string
	// Collections are those that it reads or writes.
	Collections []string
}

const (
	maxViews = 12  // views of views
	maxNodes = 200 // pipelines within pipelines, in all

	maxStages = 1000   // of all pipelines: no server takes more
	maxWork   = 20_000 // what paths and variables lead to, in all
)

// analysis is a command while it is judged.
type analysis struct {
	*Judgement
	db       string
	catalog  Catalog
	why      string // the first that is not understood
	tries    map[mask.Column]int
	order    map[*connectors.Document][]string
	depth    int
	nested   int
	stages   int
	work     int
	explains bool
	commands map[string]spec
}

// scope is what field paths and variables mean.
type scope struct {
	root *connectors.Document
	vars map[string]*connectors.Document
}

// Judge judges a command for the database, or for admin.
func Judge(cmd bsoncore.Document, admin bool, db string, c Catalog) *Judgement {
	a := &analysis{Judgement: &Judgement{}, commands: commands, db: db, catalog: c, tries: map[mask.Column]int{}, order: map[*connectors.Document][]string{}}
	a.Trace = &connectors.Trace{}
	a.Facts = policy.Facts{Class: policy.Read, Statements: 1}
	a.command(cmd, admin)
	a.code(cmd)
	a.conclude()
	return a.Judgement
}

// Unparsed is the judgement of a text that is no command.
func Unparsed(why string) *Judgement {
	return &Judgement{
		Facts: policy.Facts{Class: policy.Unknown, Why: why, Opaque: true}, Trace: &connectors.Trace{Why: why}, Cannot: why,
	}
}

// command judges by the table.
func (a *analysis) command(cmd bsoncore.Document, admin bool) {
	elems, err := cmd.Elements()
	if err != nil || len(elems) == 0 {
		a.unknown("there is no command in the document")
		return
	}
	name := elems[0].Key()
	spec, ok := a.commands[name]
	if !ok {
		a.Name = name
		a.unknown(fmt.Sprintf("the command %q is not known here", clip(name)))
		return
	}
	a.Name = cmp.Or(spec.name, name)
	a.Facts.Verb = strings.ToUpper(a.Name)
	a.Form, a.Limited, a.Batched = spec.form, spec.limited, spec.batched
	for _, e := range elems[1:] {
		if k := e.Key(); !spec.free && !spec.fields[k] && !general[k] {
			a.unknown(fmt.Sprintf("the option %q of %s is not known here", clip(k), a.Name))
			return
		}
	}
	if v, err := cmd.LookupErr("$db"); err == nil {
		if s, _ := v.StringValueOK(); s != a.db {
			a.unknown("the database is the resource's")
			return
		}
	}
	if silent(cmd) {
		a.Cannot = "with writeConcern {w: 0} the server does not say whether it failed: leave that out"
	}
	if spec.admin != admin && !(admin && spec.both) {
		if spec.admin {
			a.Cannot = a.Name + " is for the database admin: db.adminCommand({...})"
		} else {
			a.unknown(a.Name + " is not run on the database admin")
		}
	}
	a.raise(spec.class, spec.why)
	if spec.destructive {
		a.destroys(spec.why)
	}
	a.Facts.Opaque = a.Facts.Opaque || spec.opaque
	if spec.opaque {
		a.dim(a.Name + " tells of what others do")
	}
	if spec.judge != nil {
		spec.judge(a, cmd)
	}
}

// silent reports whether the server is asked not to say how a write went.
func silent(cmd bsoncore.Document) bool {
	w, err := cmd.LookupErr("writeConcern", "w")
	n, ok := w.AsFloat64OK()
	return err == nil && ok && n < 1
}

// conclude completes the judgement.
func (a *analysis) conclude() {
	f := &a.Facts
	if f.Class == policy.Unknown {
		f.Opaque = true
		a.why = cmp.Or(a.why, f.Why)
		a.Cannot = cmp.Or(a.Cannot, f.Why)
	}
	t := a.Trace
	if t.Why = a.why; t.Why != "" {
		f.Opaque = true
	}
	for i := range t.Predicates {
		t.Predicates[i].Tries = a.tries[t.Predicates[i].Column]
		t.Reads = append(t.Reads, t.Predicates[i].Column)
	}
	for _, w := range t.Writes {
		t.Reads = append(t.Reads, w.Sources...)
	}
	if a.Form == Cursor || a.Form == Values || a.Form == Found {
		t.Reads = append(t.Reads, a.Document.Columns()...)
		a.Columns = a.order[a.Document]
	}
	slices.SortFunc(t.Reads, compare)
	t.Reads = slices.Compact(t.Reads)
	for _, c := range t.Reads {
		if c.Name != "" {
			f.Reads = append(f.Reads, policy.Column{Schema: c.Schema, Table: c.Table, Name: c.Name})
		}
	}
	if a.explains {
		a.Document, a.Columns = nil, nil
	}
}

func compare(a, b mask.Column) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Reach, b.Reach))
}

// raise makes the class at least c.
func (a *analysis) raise(c policy.Class, why string) {
	if c.Severity() > a.Facts.Class.Severity() || c == a.Facts.Class && a.Facts.Why == "" {
		a.Facts.Class, a.Facts.Why = c, why
	}
}

func (a *analysis) unknown(why string) {
	if a.Facts.Class != policy.Unknown {
		a.Facts.Class, a.Facts.Why = policy.Unknown, why
	}
}

// destroys marks unbounded or structural loss.
func (a *analysis) destroys(why string) {
	if !a.Facts.Destructive {
		a.Facts.Destructive, a.Facts.Why = true, why
	}
}

// dim says that lineage ends here.
func (a *analysis) dim(why string) { a.why = cmp.Or(a.why, why) }

// code finds what runs code at the server, wherever it stands.
func (a *analysis) code(d bsoncore.Document) {
	elems, err := d.Elements()
	if err != nil {
		a.unknown("the command is no document")
		return
	}
	seen := make(map[string]bool, len(elems))
	for _, e := range elems {
		v := e.Value()
		if seen[e.Key()] {
			a.unknown(fmt.Sprintf("the key %q is there twice", clip(e.Key())))
		}
		seen[e.Key()] = true
		switch k := e.Key(); {
		case k == "$where" || k == "$function" || k == "$accumulator":
			a.raise(policy.Dangerous, k+" runs code at the server")
			a.dim(k + " runs code at the server")
		case v.Type == bsoncore.TypeJavaScript || v.Type == bsoncore.TypeCodeWithScope:
			a.unknown("it holds code")
		}
		switch v.Type {
		case bsoncore.TypeEmbeddedDocument:
			a.code(v.Document())
		case bsoncore.TypeArray:
			a.code(bsoncore.Document(v.Data))
		}
	}
}

// table is a collection that is touched.
func (a *analysis) table(name string, write bool) {
	switch {
	case name == "":
		a.unknown("a collection is not named")
		return
	case strings.ContainsAny(name, "$\x00"):
		a.unknown("a collection is named as none can be")
		return
	}
	if strings.HasPrefix(name, "system.") {
		a.raise(policy.Privilege, name+" is the server's own")
		a.dim(name + " is the server's own")
		if name == "system.users" || name == "system.keys" {
			a.Cannot = cmp.Or(a.Cannot, "it would show the hashes of passwords, the gate's own among them: {usersInfo: 1} tells who there is")
		}
		if write {
			a.raise(policy.Dangerous, "it writes the server's own "+name)
		}
	}
	if !slices.Contains(a.Collections, name) {
		a.Collections = append(a.Collections, name)
	}
	for i := range a.Facts.Tables {
		if t := &a.Facts.Tables[i]; t.Name == name {
			t.Write = t.Write || write
			return
		}
	}
	kind := policy.TablePlain
	_, view, known := a.catalog.View(name)
	if view {
		kind = policy.TableView
	}
	if !known {
		a.dim("it cannot be told what " + name + " is, or what it shows")
	}
	a.Facts.Tables = append(a.Facts.Tables, policy.Table{Schema: a.db, Name: name, Kind: kind, Write: write})
}

// source is what the documents of a collection are: of a view, what its pipeline
// makes of those below.
func (a *analysis) source(name string) *connectors.Document {
	a.table(name, false)
	v, view, known := a.catalog.View(name)
	if !view || !known {
		return &connectors.Document{From: &mask.Column{Schema: a.db, Table: name}}
	}
	if a.depth++; a.depth > maxViews {
		a.dim("views are nested too deeply")
		return nil
	}
	defer func() { a.depth-- }()
	return a.pipeline(v.Pipeline, scope{root: a.source(v.On)}, true)
}

func clip(s string) string { return s[:min(len(s), 60)] }

package mssql

import (
	"context"

	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// Bounds of what is judged; more is unknown.
const (
	maxText = sqltext.MaxText
	maxWhy  = 6
)

// Facts judges a text without a catalog. It never fails: what cannot be judged is
// Unknown and says why. It is safe for concurrent use.
func Facts(text string) policy.Facts { return read(text, "").facts }

var _ connectors.Classifier = (*Driver)(nil)

// Classify is Facts.
func (*Driver) Classify(_ context.Context, text string) (policy.Facts, error) {
	return Facts(text), nil
}

// reading is what a text says by itself.
type reading struct {
	facts policy.Facts
	why   []string
	t     []sqltext.Token
	// database is the one that names of three parts may name.
	database string
	// followed is set where it is known what the statement does to the session.
	followed bool
	control  bool // it is about the requester's own transaction, or the session
	counts   bool // it answers with no rows, but with how many it changed

	// target is what a statement changes; assigned are its columns and exprs, in the
	// same order, what they become. query is the SELECT in the statement, or one made
	// of its parts, by which it is traced.
	target   sqltext.Chain
	assigned []string
	query    []sqltext.Token
}

func read(text, database string) *reading {
	r := &reading{database: database, facts: policy.Facts{Class: policy.Read, Statements: 1}}
	tokens, err := sqltext.Lex(sqltext.TSQL, text)
	if err == nil {
		err = odd(tokens)
	}
	if err != nil {
		return r.beyond(text, err.Error())
	}
	list := sqltext.Split(tokens)
	switch {
	case len(list) == 0:
		return r.beyond(text, "there is no statement in the text")
	case len(list) > 1:
		r.facts.Statements = len(list)
		r.t = list[0]
		r.losing(tokens)
		return r.beyond(text, several)
	}
	r.t = list[0]
	r.judge()
	return r.finish()
}

const several = "the text holds more than one statement; run them one by one"

// odd refuses symbols that belong to escapes of drivers, labels and methods of types.
func odd(tokens []sqltext.Token) error {
	for _, t := range tokens {
		if t.Sym("{", "}", ":", "::", "?", "->", "||", "<=>", "==") {
			return fmt.Errorf("the symbol %s is not understood", t.Text)
		}
	}
	return nil
}

// beyond is a text that was not judged.
func (r *reading) beyond(text, why string) *reading {
	r.facts.Class, r.facts.Opaque, r.facts.Why, r.followed = policy.Unknown, true, why, false
	if words := strings.Fields(strings.ToUpper(text)); r.facts.Verb == "" && len(words) > 0 && len(words[0]) < 20 && strings.Trim(words[0], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
		r.facts.Verb = words[0]
	}
	return r
}

// losingWords begin statements that lose something.
var losingWords = set("DROP TRUNCATE SHUTDOWN KILL RESTORE")

func (r *reading) losing(tokens []sqltext.Token) {
	for _, t := range tokens {
		if t.Kind == sqltext.Word && losingWords[strings.ToUpper(t.Text)] {
			r.facts.Destructive = true
		}
	}
}

func (r *reading) raise(c policy.Class, why string) {
	if c.Severity() > r.facts.Class.Severity() {
		r.why = slices.Insert(r.why, 0, why)
	} else if c != policy.Read {
		r.why = append(r.why, why)
	}
	r.facts.Class = policy.Worst(r.facts.Class, c)
}

func (r *reading) unknown(why string) { r.raise(policy.Unknown, why) }

func (r *reading) destroys(why string) {
	r.facts.Destructive = true
	r.why = append(r.why, why)
}

func (r *reading) copies(form string) {
	r.facts.Copies = true
	if r.facts.Form == "" {
		r.facts.Form = form
	}
}

func (r *reading) finish() *reading {
	f := &r.facts
	if f.Class == policy.Unknown {
		f.Opaque, r.followed = true, false
	}
	var why []string
	for _, w := range r.why {
		if w != "" && !slices.Contains(why, w) && len(why) < maxWhy {
			why = append(why, w)
		}
	}
	f.Why = strings.Join(why, "; ")
	if f.Why == "" && f.Class != policy.Read {
		f.Why = f.Verb + " is " + f.Class.String()
	}
	return r
}

// at is the token, or none.
func (r *reading) at(i int) sqltext.Token {
	if i >= 0 && i < len(r.t) {
		return r.t[i]
	}
	return sqltext.Token{Kind: sqltext.Symbol}
}

// closing is the token that closes the bracket at i.
func (r *reading) closing(i int) int {
	for k := i + 1; k < len(r.t); k++ {
		if r.t[k].Depth == r.t[i].Depth {
			return k
		}
	}
	return len(r.t) - 1
}

// chain reads names with dots between them, some of which may be missing, as in a..b.
func (r *reading) chain(i int) (c sqltext.Chain, next int) {
	c = sqltext.Chain{At: r.at(i).At, Depth: r.at(i).Depth}
	for {
		if t := r.at(i); t.Named() {
			c.Parts, c.Quoted = append(c.Parts, t.Value), c.Quoted || t.Kind == sqltext.Name
			i++
		} else {
			c.Parts = append(c.Parts, "")
		}
		if !r.at(i).Sym(".") {
			return c, i
		}
		i++
	}
}

// table adds what a statement names as a table.
func (r *reading) table(c sqltext.Chain, write bool) {
	n := len(c.Parts)
	t := policy.Table{Name: c.Last(), Write: write}
	if n > 1 {
		t.Schema = c.Parts[n-2]
	}
	if n > 2 && t.Schema == "" {
		t.Schema = "dbo"
	}
	switch {
	case n > 3:
		r.facts.Opaque = true
		r.raise(policy.Dangerous, "a name of four parts is of another server")
	case n == 3 && (r.database == "" || !strings.EqualFold(c.Parts[0], r.database)):
		r.facts.Opaque = true
		r.raise(policy.Dangerous, "the table "+c.String()+" is of another database")
	}
	schema := strings.ToLower(t.Schema)
	switch system := schema == "sys" || schema == "information_schema"; {
	case secrets[strings.ToLower(t.Name)]:
		r.raise(policy.Privilege, t.Name+" holds what signs in")
	case tells(t.Schema, t.Name):
		r.raise(policy.Dangerous, t.Name+" shows what other sessions run, or texts that may hold passwords")
	case system && write:
		r.raise(policy.Dangerous, "changes the server's own tables")
	}
	for i := range r.facts.Tables {
		if o := &r.facts.Tables[i]; strings.EqualFold(o.Schema, t.Schema) && strings.EqualFold(o.Name, t.Name) {
			o.Write = o.Write || write
			return
		}
	}
	r.facts.Tables = append(r.facts.Tables, t)
}

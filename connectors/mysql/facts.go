package mysql

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // the parser's literals: without it nothing parses

	"github.com/sallyport/sallyport/policy"
)

// Bounds of what is judged; more is unknown.
const (
	maxText       = 64 << 10 // bytes
	maxOpeners    = 2000     // brackets
	maxDepth      = 5_000    // of the tree: 1+1+1+... leans to the left
	maxStatements = 200
	maxWhy        = 6
)

// Facts judges a text of one or more statements. It never fails: what cannot be
// judged is Unknown and says why. It is safe for concurrent use.
func Facts(text string) policy.Facts {
	if why := unfit(text); why != "" {
		return unknown(text, why)
	}
	s := scan(text)
	switch {
	case s.odd != "":
		return unknown(text, s.odd)
	case s.openers > maxOpeners:
		return unknown(text, "the statement is nested too deeply to judge")
	}
	f := judgeText(text, 0)
	if s.special {
		f = worse(f, judgeText(s.without, 0))
	}
	return f
}

func unfit(text string) string {
	switch {
	case len(text) > maxText:
		return fmt.Sprintf("the statement is longer than %d KiB", maxText>>10)
	case !utf8.ValidString(text):
		return "the statement is not valid UTF-8"
	case strings.ContainsRune(text, 0):
		return "the statement holds a NUL"
	case strings.TrimSpace(text) == "":
		return "there is no statement in the text"
	}
	return ""
}

// losing are first words of statements that lose something, for those that the
// parser does not take.
var losing = set("DROP TRUNCATE PURGE RESET SHUTDOWN KILL RESTART UNINSTALL")

func unknown(text, why string) policy.Facts {
	f := policy.Facts{Class: policy.Unknown, Opaque: true, Why: why, Statements: 1}
	for _, st := range strings.Split(scan(text).without, ";") {
		if words := strings.Fields(strings.ToUpper(st)); len(words) > 0 && utf8.ValidString(words[0]) && len(words[0]) < 20 {
			if f.Verb == "" {
				f.Verb = words[0]
			}
			f.Destructive = f.Destructive || losing[words[0]]
		}
	}
	return f
}

// worse is the more severe of two readings of one text.
func worse(a, b policy.Facts) policy.Facts {
	if b.Class.Severity() > a.Class.Severity() {
		a, b = b, a
	}
	if b.Destructive && !a.Destructive {
		a.Destructive = true
		a.Why = strings.TrimPrefix(a.Why+"; "+b.Why, "; ")
	}
	a.Opaque = a.Opaque || b.Opaque
	return a
}

// judgeText parses and judges; nested is how many PREPAREs it stands in.
func judgeText(text string, nested int) (f policy.Facts) {
	defer func() {
		if r := recover(); r != nil { // the parser is not ours
			f = unknown(text, "the parser failed inside")
		}
	}()
	p := parser.New()
	list, warns, err := p.ParseSQL(text)
	switch {
	case err != nil:
		return unknown(text, "the parser does not take it: "+firstLine(err.Error()))
	case len(list) == 0:
		return unknown(text, "there is no statement in the text")
	case len(list) > maxStatements:
		return unknown(text, "the text holds too many statements to judge")
	}
	j := &judge{facts: policy.Facts{Class: policy.Read, Statements: len(list)}, nested: nested}
	for _, w := range warns { // a hint that it did not understand
		if strings.Contains(strings.ToUpper(text), "SET_VAR") || strings.Contains(w.Error(), "SET_VAR") {
			j.raise(policy.Dangerous, "a hint sets a variable of the session")
		}
	}
	if strings.Contains(strings.ToUpper(text), "SET_VAR") && strings.Contains(text, "/*+") {
		j.raise(policy.Dangerous, "a hint sets a variable of the session")
	}
	for _, st := range list {
		before := j.facts.Class
		j.verb = ""
		j.top(st)
		if j.facts.Verb == "" || j.facts.Class != before {
			j.facts.Verb = j.verb
		}
	}
	return j.finish()
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "") + "..."
	}
	return s
}

// judge collects what is found in one text.
type judge struct {
	facts  policy.Facts
	why    []string
	verb   string
	nested int
}

func (j *judge) raise(c policy.Class, why string) {
	if c.Severity() > j.facts.Class.Severity() {
		j.why = slices.Insert(j.why, 0, why)
	} else if c != policy.Read {
		j.why = append(j.why, why)
	}
	j.facts.Class = policy.Worst(j.facts.Class, c)
}

func (j *judge) destroys(c policy.Class, why string) {
	j.facts.Destructive = true
	j.raise(c, why)
}

func (j *judge) copies(form string) {
	j.facts.Copies = true
	if j.facts.Form == "" {
		j.facts.Form = form
	}
}

func (j *judge) finish() policy.Facts {
	f := j.facts
	f.Opaque = f.Opaque || f.Class == policy.Unknown
	var why []string
	for _, w := range j.why {
		if w != "" && !slices.Contains(why, w) && len(why) < maxWhy {
			why = append(why, w)
		}
	}
	f.Why = strings.Join(why, "; ")
	if f.Why == "" && f.Class != policy.Read {
		f.Why = f.Verb + " is " + f.Class.String()
	}
	return f
}

// table adds a relation once.
func (j *judge) table(n *ast.TableName, write bool) {
	if n == nil {
		return
	}
	t := policy.Table{Schema: n.Schema.O, Name: n.Name.O, Write: write}
	for i := range j.facts.Tables {
		if o := &j.facts.Tables[i]; strings.EqualFold(o.Schema, t.Schema) && strings.EqualFold(o.Name, t.Name) {
			o.Write = o.Write || write
			j.system(n, o.Write)
			return
		}
	}
	j.facts.Tables = append(j.facts.Tables, t)
	j.system(n, write)
}

// system judges tables of the server's own schemas.
func (j *judge) system(n *ast.TableName, write bool) {
	schema, name := n.Schema.L, n.Name.L
	switch {
	case schema == "mysql" || schema == "" && authTables[name]:
		j.raise(policy.Privilege, "the table "+name+" of the schema mysql holds accounts and rights")
	case write && (schema == "sys" || schema == "performance_schema" || schema == "information_schema"):
		j.raise(policy.Dangerous, "changes the server's own tables")
	}
}

var authTables = set("global_priv tables_priv columns_priv procs_priv proxies_priv user_attributes role_edges default_roles password_history")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

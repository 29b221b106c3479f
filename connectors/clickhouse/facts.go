package clickhouse

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// maxWhy bounds the reasons that are told.
const maxWhy = 6

// Facts judges a text of one statement. It never fails: what cannot be judged is
// Unknown and says why. It is safe for concurrent use.
func Facts(text string) policy.Facts { return read(text, "").facts }

// reading is all that a text tells by itself.
type reading struct {
	facts  policy.Facts
	tokens []sqltext.Token // of the statement, nil where the text was not cut
	// body is the SELECT that the statement is or has, nil where there is none.
	body []sqltext.Token
	// into is the table of an INSERT, columns those that it names, rest what follows.
	into    sqltext.Chain
	columns []string
	rest    []sqltext.Token
	// functions is set where a table function stands in it, which the server does not
	// take on the strictest of terms.
	functions bool
	// named is set for a statement that asks about tables by their names, and answers
	// nothing of what they hold.
	named bool
	// cannot says why the statement is not run, "" if it may be.
	cannot string

	// within are the names that WITH gives to subqueries.
	within map[string]bool

	database string // where names without one are looked for, "" where that is not known
	why      []string
}

// read judges a text that is asked in a database.
func read(text, database string) *reading {
	r := &reading{database: database, facts: policy.Facts{Class: policy.Read, Statements: 1}}
	tokens, err := sqltext.Lex(sqltext.ClickHouse, text)
	if err == nil {
		r.tokens, err = sqltext.Single(tokens)
	}
	if err != nil {
		r.tokens, r.cannot = nil, err.Error()
		r.facts.Verb = firstWord(text)
		r.facts.Statements = max(1, len(sqltext.Split(tokens)))
		r.raise(policy.Unknown, err.Error())
		r.losing(tokens)
		return r.finish()
	}
	r.facts.Verb = strings.ToUpper(r.tokens[0].Text)
	if len(r.facts.Verb) > 20 || r.tokens[0].Kind != sqltext.Word {
		r.facts.Verb = "SELECT"
	}
	if len(r.tokens) == 1 {
		r.raise(policy.Unknown, "one word is no statement")
	}
	r.statement()
	r.scan()
	r.parallel()
	return r.finish()
}

// parallel finds a second statement, which newer servers take after PARALLEL WITH.
func (r *reading) parallel() {
	for i, t := range r.tokens {
		if t.Is("PARALLEL") && r.at(i+1).Is("WITH") {
			r.raise(policy.Unknown, "the text holds more than one statement: PARALLEL WITH begins another")
			r.facts.Statements = 2
			r.losing(r.tokens[i:])
		}
	}
}

// losing marks a text that was not judged wholly and says that something is lost.
func (r *reading) losing(tokens []sqltext.Token) {
	r.facts.Destructive = r.facts.Destructive || slices.ContainsFunc(tokens, func(t sqltext.Token) bool { return t.Is("DROP", "TRUNCATE", "DETACH", "DELETE") })
}

func firstWord(text string) string {
	words := strings.Fields(strings.ToUpper(text))
	if len(words) == 0 || len(words[0]) > 20 || strings.ContainsFunc(words[0], func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return ""
	}
	return words[0]
}

func (r *reading) raise(c policy.Class, why string) {
	if c.Severity() > r.facts.Class.Severity() {
		r.why = slices.Insert(r.why, 0, why)
	} else if c != policy.Read {
		r.why = append(r.why, why)
	}
	r.facts.Class = policy.Worst(r.facts.Class, c)
}

func (r *reading) destroys(c policy.Class, why string) {
	r.facts.Destructive = true
	r.raise(c, why)
}

func (r *reading) finish() *reading {
	f := &r.facts
	f.Opaque = f.Opaque || f.Class == policy.Unknown
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
	if i >= 0 && i < len(r.tokens) {
		return r.tokens[i]
	}
	return sqltext.Token{Kind: sqltext.Symbol}
}

// chain reads names with dots between them.
func (r *reading) chain(i int) (sqltext.Chain, int) { return sqltext.ChainAt(r.tokens, i) }

// table adds a relation once.
func (r *reading) table(c sqltext.Chain, write bool) {
	t := policy.Table{Name: c.Last(), Write: write}
	if len(c.Parts) > 1 {
		t.Schema = c.Parts[len(c.Parts)-2]
	}
	if len(c.Parts) > 2 {
		r.raise(policy.Unknown, "the name "+c.String()+" has too many parts")
	}
	if strings.EqualFold(t.Schema, "system") || t.Schema == "" && strings.EqualFold(r.database, "system") {
		r.system(t.Name, write)
	}
	for i := range r.facts.Tables {
		if o := &r.facts.Tables[i]; o.Schema == t.Schema && o.Name == t.Name {
			o.Write = o.Write || write
			return
		}
	}
	r.facts.Tables = append(r.facts.Tables, t)
}

// system judges tables of the server's own.
func (r *reading) system(name string, write bool) {
	l := lists()
	name = strings.ToLower(name)
	switch {
	case write:
		r.raise(policy.Dangerous, "changes the server's own tables")
	case r.named, l["system.harmless"][name]:
	case l["system.dangerous"][name]:
		r.raise(policy.Dangerous, "system."+name+" shows what other sessions run or what the server reaches")
	case l["system.privilege"][name]:
		r.raise(policy.Privilege, "system."+name+" shows accounts and rights")
	default:
		r.raise(policy.Unknown, "what system."+name+" shows is not known")
	}
}

// scan judges what the statement mentions: tables, table functions and functions.
func (r *reading) scan() {
	if r.body == nil {
		return
	}
	m := sqltext.Scan(sqltext.ClickHouse, r.body)
	if m.Unread {
		r.raise(policy.Unknown, "what stands in FROM is not understood")
	}
	r.within = withNames(r.body)
	for _, s := range m.Sources {
		switch {
		case s.Function:
			r.tableFunction(s.Last())
		case len(s.Parts) == 1 && r.within[s.Parts[0]]:
		default:
			r.table(s.Chain, false)
		}
	}
	for _, c := range m.Calls {
		r.call(c, m.Sources)
	}
	r.definitions(m)
	for i, t := range r.body {
		n := sqltext.Token{}
		if i+1 < len(r.body) {
			n = r.body[i+1]
		}
		qualified := i > 0 && (r.body[i-1].Sym(".") || r.body[i-1].Is("FROM"))
		switch {
		case t.Sym("{"):
			r.raise(policy.Unknown, "it has a parameter")
		case t.Is("INSERT") && !qualified: // which servers from 24.11 on take behind WITH
			r.raise(policy.Write, "INSERT adds rows")
			r.raise(policy.Unknown, "INSERT within a statement is not understood: begin with it")
		case t.Is("INTO") && n.Is("OUTFILE"):
			r.raise(policy.Dangerous, "writes a file")
			r.cannot = "INTO OUTFILE is the client's: download the answer instead"
		case t.Is("FORMAT") && n.Named() && !qualified && !n.Is("FROM"):
			r.cannot = "the format of the answer is the gate's: leave FORMAT out"
		case t.Is("SETTINGS") && n.Named() && !qualified && !n.Is("FROM"):
			r.cannot = "settings are the gate's: leave SETTINGS out"
			r.raise(policy.Dangerous, "SETTINGS changes the limits of the statement")
		}
	}
}

// telling are columns of system tables that hold the texts which made tables: those of
// some engines have a password in them.
var telling = set("create_table_query engine_full as_select view_definition")

// made reports whether a table of the server's own has texts which made tables.
func (r *reading) made(t policy.Table) bool {
	switch {
	case strings.EqualFold(t.Schema, "system"), t.Schema == "" && strings.EqualFold(r.database, "system"):
		return strings.EqualFold(t.Name, "tables") || strings.EqualFold(t.Name, "databases")
	case strings.EqualFold(t.Schema, "information_schema"), t.Schema == "" && strings.EqualFold(r.database, "information_schema"):
		return strings.EqualFold(t.Name, "views")
	}
	return false
}

// definitions judges whether the statement shows them.
func (r *reading) definitions(m sqltext.Mentions) {
	if !slices.ContainsFunc(r.facts.Tables, r.made) {
		return
	}
	shows := m.Words["COLUMNS"]
	for _, c := range m.Chains {
		for _, p := range c.Parts {
			shows = shows || telling[strings.ToLower(p)]
		}
	}
	for i, t := range r.body {
		if !t.Sym("*") || i == 0 {
			continue
		}
		p, n := r.body[i-1], sqltext.Token{Kind: sqltext.Symbol}
		if i+1 < len(r.body) {
			n = r.body[i+1]
		}
		counts := i > 1 && p.Sym("(") && r.body[i-2].Is("COUNT")
		// what is multiplied stands on both sides; there may be more words before all columns
		shows = shows || !counts && (p.Is("SELECT", "DISTINCT", "ALL") || p.Sym(",", ".", "(") || n.Kind == sqltext.Symbol && !n.Sym("(", "[", "-", "+") || n.Is("FROM", "EXCEPT", "REPLACE", "APPLY"))
	}
	if shows {
		r.raise(policy.Dangerous, "what made tables may hold passwords: name the columns, without create_table_query, engine_full and view_definition")
	}
}

// withNames are names that WITH gives to subqueries: name AS (SELECT.
func withNames(t []sqltext.Token) map[string]bool {
	m := map[string]bool{}
	for i := 1; i+3 < len(t); i++ {
		if (t[i-1].Is("WITH", "RECURSIVE") || t[i-1].Sym(",")) && t[i].Named() && t[i+1].Is("AS") && t[i+2].Sym("(") && t[i+3].Is("SELECT", "WITH") {
			m[t[i].Value] = true
		}
	}
	return m
}

func (r *reading) tableFunction(name string) {
	r.functions = true
	r.facts.Functions = append(r.facts.Functions, strings.ToLower(name))
	switch l := lists(); {
	case l["from.harmless"][name]:
	case l["from.dangerous"][name]:
		r.facts.Opaque = true
		r.raise(policy.Dangerous, "the table function "+name+" reaches files or other servers")
	default:
		r.facts.Opaque = true
		r.raise(policy.Unknown, "what the table function "+name+" reads is not known")
	}
}

// call judges a function, unless it is a table function.
func (r *reading) call(c sqltext.Call, sources []sqltext.Source) {
	if slices.ContainsFunc(sources, func(s sqltext.Source) bool { return s.Function && s.At == c.At }) {
		return
	}
	name := c.Last()
	if lower := strings.ToLower(name); !slices.Contains(r.facts.Functions, lower) {
		r.facts.Functions = append(r.facts.Functions, lower)
	}
	switch l := lists(); {
	case len(c.Parts) > 1:
		r.raise(policy.Unknown, "what "+c.String()+" calls is not known")
	case harmless(name), l["type"][name]:
	case l["elsewhere"][name]:
		r.facts.Opaque = true
		r.why = append(r.why, name+" reads a table or dictionary by a name that is not followed")
	case l["dangerous"][name], l["from.dangerous"][name]:
		r.facts.Opaque = true
		r.raise(policy.Dangerous, "the function "+name+" stalls the server or tells of it, or reads its files")
	default:
		r.raise(policy.Unknown, "the function "+name+" is not known to be harmless")
	}
}

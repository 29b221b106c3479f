package postgres

import (
	"fmt"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"

	"github.com/sallyport/sallyport/policy"
)

// judgement is what the text alone tells. It is what a worker answers; resolve
// turns it into facts with what the catalog knows.
type judgement struct {
	Class       policy.Class `json:"class"`
	Verb        string       `json:"verb,omitempty"`
	Destructive bool         `json:"destructive,omitempty"`
	Why         []string     `json:"why,omitempty"`
	Tables      []tableName  `json:"tables,omitempty"`
	Calls       []callName   `json:"calls,omitempty"`
	// Fields are names behind a dot: attributes, or calls in functional notation.
	Fields    []string `json:"fields,omitempty"`
	Operators []string `json:"operators,omitempty"`
	// Types are names of types that pg_catalog may not own.
	Types      []string `json:"types,omitempty"`
	Opaque     bool     `json:"opaque,omitempty"`
	Form       string   `json:"form,omitempty"` // not empty: Facts.Copies
	Statements int      `json:"statements"`
	// Cannot says why the statement cannot be run through the gate.
	Cannot string `json:"cannot,omitempty"`
	// Alone is set for statements that PostgreSQL refuses within a transaction.
	Alone bool `json:"alone,omitempty"`
	// Session is set where the statement changes the session beyond itself.
	Session bool `json:"session,omitempty"`

	// Prepares and Executes are the names of PREPARE, and of an EXECUTE whose
	// PREPARE is not in the text; Arguments is the class of what EXECUTE is given.
	Prepares  string       `json:"prepares,omitempty"`
	Executes  string       `json:"executes,omitempty"`
	Arguments policy.Class `json:"arguments,omitempty"`

	// Scope, Columns, Outputs and Sets are what columns.go makes columns of.
	Scope   []scopeName  `json:"scope,omitempty"`
	Columns []columnName `json:"columns,omitempty"`
	Outputs []string     `json:"outputs,omitempty"`
	Sets    []setName    `json:"sets,omitempty"`

	// These are of the walk alone.
	depth    int                  // of texts within texts
	steps    int                  // conditions looked at
	bodies   []body               // sources yet to be judged
	prepared map[string]judgement // by PREPARE earlier in the text
}

// tableName is a relation as the statement names it.
type tableName struct {
	Schema string `json:"schema,omitempty"`
	Name   string `json:"name"`
	Write  bool   `json:"write,omitempty"`
	New    bool   `json:"new,omitempty"` // the statement makes it
}

// callName is a function as the statement names it. Listed is set where
// pg_catalog's function of that name is on the list of harmless ones, Known
// where its effect is already in the class.
type callName struct {
	Schema string `json:"schema,omitempty"`
	Name   string `json:"name"`
	Listed bool   `json:"listed,omitempty"`
	Known  bool   `json:"known,omitempty"`
}

// judgeText parses and judges. It runs in the worker only.
func judgeText(text string) (*judgement, error) { return judgeNested(text, 0) }

// judgeNested judges a text that stands within depth others.
func judgeNested(text string, depth int) (*judgement, error) {
	tree, err := parseNodes(text)
	if err != nil {
		return nil, err
	}
	j := judgeTree(tree, depth)
	j.lookInto(text)
	if j.full() {
		why := fmt.Sprintf("the statement names more than %d things of a kind: too many to be judged", maxNames-1)
		j = unknown(why)
		j.Statements, j.Cannot = len(tree.GetStmts()), why
	}
	return j, nil
}

func parseNodes(text string) (*pg.ParseResult, error) {
	b, err := readTree(text)
	if err != nil {
		return nil, err
	}
	var tree pg.ParseResult
	if err := proto.Unmarshal(b, &tree); err != nil {
		return nil, fmt.Errorf("read the parser's tree: %w", err)
	}
	return &tree, nil
}

// judgeTree judges all statements of a text together: the worst counts.
func judgeTree(tree *pg.ParseResult, depth int) *judgement {
	j := &judgement{Class: policy.Read, Statements: len(tree.Stmts), depth: depth, prepared: map[string]judgement{}}
	if len(tree.Stmts) == 0 {
		return &judgement{Class: policy.Unknown, Why: []string{"there is no statement in the text"}, Cannot: "there is no statement in the text"}
	}
	if len(tree.Stmts) > 1 {
		j.Cannot = "one statement at a time: the text holds more than one"
	}
	for _, raw := range tree.Stmts {
		before := j.Class
		w := &walker{j: j}
		w.top(raw.GetStmt())
		if j.Verb == "" || j.Class != before {
			j.Verb = w.verb
		}
	}
	return j
}

// raise makes the class at least c; why is added once.
func (j *judgement) raise(c policy.Class, why string) {
	j.Class = policy.Worst(j.Class, c)
	j.because(why)
}

func (j *judgement) because(why string) {
	if why != "" && !slices.Contains(j.Why, why) && len(j.Why) < 8 {
		j.Why = append(j.Why, why)
	}
}

func (j *judgement) destroys(why string) {
	j.Destructive = true
	j.because(why)
}

// copies marks a form whose rows go somewhere else or come without origin.
func (j *judgement) copies(form string) {
	if j.Form == "" {
		j.Form = form
	}
}

func (j *judgement) cannot(why string) {
	if j.Cannot == "" {
		j.Cannot = why
	}
}

func (j *judgement) table(t tableName) {
	for i := range j.Tables {
		if j.Tables[i].Schema == t.Schema && j.Tables[i].Name == t.Name {
			j.Tables[i].Write = j.Tables[i].Write || t.Write
			return
		}
	}
	j.Tables = once(j.Tables, t)
}

func (j *judgement) call(c callName) {
	j.Calls = once(j.Calls, c)
}

// maxNames bounds each list of a judgement, and with it the time that keeping
// them apart takes. A statement that reaches it is Unknown.
const maxNames = 2000

// once appends s to list if it is not there and there is room.
func once[T comparable](list []T, s T) []T {
	if len(list) >= maxNames || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// full reports whether a list may lack what found no room.
func (j *judgement) full() bool {
	return max(len(j.Tables), len(j.Calls), len(j.Fields), len(j.Operators), len(j.Types),
		len(j.Scope), len(j.Columns), len(j.Outputs), len(j.Sets)) >= maxNames
}

// unknown is the judgement of what could not be judged.
func unknown(why string) *judgement {
	return &judgement{Class: policy.Unknown, Why: []string{why}, Opaque: true}
}

// facts are the judgement's own, before the catalog is asked.
func (j *judgement) facts() policy.Facts {
	f := policy.Facts{
		Class: j.Class, Verb: j.Verb, Destructive: j.Destructive,
		Opaque: j.Opaque, Copies: j.Form != "", Form: j.Form, Statements: j.Statements,
	}
	for _, c := range j.Calls {
		name := strings.ToLower(c.Name)
		if c.Schema != "" {
			name = strings.ToLower(c.Schema) + "." + name
		}
		f.Functions = append(f.Functions, name)
	}
	return f
}

// words joins the reasons, the one that stops the statement first.
func (j *judgement) words() string {
	why := j.Why
	if j.Cannot != "" && !slices.Contains(why, j.Cannot) {
		why = append([]string{"cannot run through the gate: " + j.Cannot}, why...)
	}
	return strings.Join(why, "; ")
}

package redis

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// judged is all that is found out about a text without running it.
type judged struct {
	args  []string
	rest  []string // without the command's name
	cmd   *command // nil where the table has none
	keys  []keyUse
	facts policy.Facts
	// answer is what of values the answer holds, options considered.
	answer answer
	// cannot says why it is not run, "" if it may be; untraced why its values cannot be
	// told, "" if they can.
	cannot, untraced string
}

// Facts judges a text of one command, of which it knows the table alone. It never
// fails: what cannot be judged is Unknown and says why. It is safe for concurrent use.
func Facts(text string) policy.Facts { return assess(text, "").facts }

// assess judges a text whose keys are in the database.
func assess(text, database string) *judged {
	j := &judged{facts: policy.Facts{Statements: 1}}
	args, err := split(text)
	if err != nil {
		j.cannot = err.Error()
		j.unknown(err.Error())
		return j
	}
	j.args = args
	j.cmd, j.rest = find(args)
	j.facts.Verb = verb(args)
	if j.cmd == nil {
		j.unknown(verb(args) + " is no command that is known: it may be a module's")
		return j
	}
	j.facts.Verb = j.cmd.name
	if j.keys, err = j.cmd.keysOf(j.rest); err != nil {
		j.unknown(j.cmd.name + " cannot be judged: " + err.Error())
		return j
	}
	if len(j.keys) > maxKeys {
		j.unknown(fmt.Sprintf("%s of more than %d keys is not judged", j.cmd.name, maxKeys))
		return j
	}
	j.judge(database)
	return j
}

// unknown is the judgement of what was not understood.
func (j *judged) unknown(why string) {
	j.facts.Class, j.facts.Opaque, j.facts.Why = policy.Unknown, true, why
	j.untraced = why
	if len(j.args) > 0 {
		c, _ := find(j.args)
		j.facts.Destructive = c != nil && c.destroys
	}
}

// judge completes the facts of a command of the table.
func (j *judged) judge(database string) {
	c, f := j.cmd, &j.facts
	f.Class, f.Why, f.Destructive, f.Opaque = c.class, c.why, c.destroys, c.opaque
	if f.Why == "" && f.Class != policy.Read {
		f.Why = f.Verb + " is " + f.Class.String()
	}
	j.answer = c.answer
	switch {
	case c.never:
		j.cannot = c.why
		f.Opaque = true
		if f.Class == policy.Unknown {
			f.Why = "not run through the gate: " + c.why
		}
	case c.copies:
		f.Copies, f.Form = true, c.name
	}
	if n := j.elsewhere(database); n != "" {
		j.cannot = "the database " + Quote(n) + " is not this resource's: open the resource of that one"
		f.Opaque = true
	}
	if c.exact > 0 && len(j.rest) != c.exact {
		j.unknown(fmt.Sprintf("%s has %d arguments, not %d", c.name, c.exact, len(j.rest)))
		return
	}
	if c.code || c.moving {
		j.refine()
	}
	if f.Opaque || f.Class == policy.Unknown {
		j.answer, j.untraced = untold, f.Why
		if j.untraced == "" {
			j.untraced = c.name + " may reach other keys than it names"
		}
	}
	if j.answer == untold && j.untraced == "" && len(j.keys) > 0 {
		j.untraced = "what " + c.name + " answers is made of values in a way that is not traced"
	}
	j.tables(database)
}

// elsewhere is the database that a command writes to, or changes for the resource's own,
// "" for none: who may write here may not write there, nor bring here what is there.
func (j *judged) elsewhere(database string) string {
	switch j.cmd.name {
	case "MOVE":
		return at(j.rest, 1)
	case "SWAPDB":
		for _, n := range j.rest {
			if n != database {
				return n
			}
		}
	case "COPY":
		for i := 2; i+1 < len(j.rest); i++ {
			if strings.EqualFold(j.rest[i], "DB") && j.rest[i+1] != database {
				return j.rest[i+1]
			}
		}
	}
	return ""
}

// has reports whether one of the arguments from a place on, counted from 0, is the
// word.
func (j *judged) has(from int, word string) bool {
	for i := from; i < len(j.rest); i++ {
		if strings.EqualFold(j.rest[i], word) {
			return true
		}
	}
	return false
}

// tables are the keys in the words of policy: a key is a table of the schema that is
// called like the database's number; a pattern is one, too.
func (j *judged) tables(database string) {
	f := &j.facts
	seen := map[string]int{}
	for _, k := range j.keys {
		if i, ok := seen[k.name]; ok {
			f.Tables[i].Write = f.Tables[i].Write || k.write
			continue
		}
		seen[k.name] = len(f.Tables)
		f.Tables = append(f.Tables, policy.Table{Schema: database, Name: k.name, Kind: policy.TablePlain, Write: k.write})
	}
	for _, c := range j.reads(database) {
		f.Reads = append(f.Reads, policy.Column{Schema: c.Schema, Table: c.Table, Name: c.Name})
	}
	switch j.answer {
	case hash, hscan, stream, streams: // all fields, whatever they are
		for _, k := range j.keys {
			f.Reads = append(f.Reads, policy.Column{Schema: database, Table: k.name, Name: "*"})
		}
	case untold, nothing, value, eachKey, field, fields, scored, sscan, zscan:
	}
	j.changes(database)
}

// Names of the columns that values without a field have.
const (
	valueColumn = "value"
	scoreColumn = "score"
)

// reads are the columns that the answer shows, where they are named.
func (j *judged) reads(database string) []mask.Column {
	if len(j.keys) == 0 {
		return nil
	}
	key := j.keys[0].name
	of := func(name string) mask.Column { return mask.Column{Schema: database, Table: key, Name: name} }
	switch j.answer {
	case value, sscan:
		return []mask.Column{of(valueColumn)}
	case scored, zscan:
		return []mask.Column{of(valueColumn), of(scoreColumn)}
	case field:
		return []mask.Column{of(j.rest[1])}
	case fields:
		var out []mask.Column
		for _, name := range j.rest[1:] {
			out = append(out, of(name))
		}
		return out
	case eachKey:
		var out []mask.Column
		for _, k := range j.keys {
			out = append(out, mask.Column{Schema: database, Table: k.name, Name: valueColumn})
		}
		return out
	case untold, nothing, hash, stream, streams, hscan:
	}
	return nil
}

// hub is what is known of values in the hub's words.
func (j *judged) hub(database string) *connectors.Trace {
	switch {
	case j.cannot != "":
		return &connectors.Trace{} // it does not run, and says why itself
	case j.untraced != "":
		return &connectors.Trace{Why: j.untraced}
	}
	t := &connectors.Trace{Reads: j.reads(database)}
	if len(t.Reads) > 0 {
		t.Columns = []connectors.ValueOrigin{{Direct: true, Columns: t.Reads}}
	}
	switch j.answer {
	case hash, hscan, stream, streams: // whatever fields there are
		for _, k := range j.keys {
			t.Columns = append(t.Columns, connectors.ValueOrigin{Columns: []mask.Column{{Schema: database, Table: k.name, Reach: mask.Tree}}})
		}
	case untold, nothing, value, eachKey, field, fields, scored, sscan, zscan:
	}
	return t
}

// verb is the first word in capitals, as far as it may be one.
func verb(args []string) string {
	word := strings.ToUpper(args[0])
	for i := range len(word) {
		if c := word[i]; !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') || i == 40 {
			return "?"
		}
	}
	return word
}

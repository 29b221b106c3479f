package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// longest piece of foreign text (a table's name, a parser's why) in a reason.
const maxPiece = 120

// reason is the sentence that a Decision carries: what the operation is, and
// what the rule says to that.
func reason(r *Request, by *rule) string {
	what, where := subject(r), plain(r.Resource.Name)
	if by == nil {
		return undecided(r, what)
	}
	switch by.effect {
	case Approve:
		return withWords(what+" needs "+yes(by)+" on "+where, by.reason)
	case Allow:
		return withWords(what+" is allowed on "+where, by.reason)
	}
	return withWords(what+" is denied on "+where, by.reason)
}

// undecided says why nothing allows the operation.
func undecided(r *Request, what string) string {
	if wordOf(r.Action, r.Facts.Class) == 0 {
		return "nothing can allow the action " + strconv.Quote(string(r.Action))
	}
	return "no rule allows " + what + " on " + plain(r.Resource.Name)
}

// subject names the operation: DELETE on orders (write: no WHERE).
func subject(r *Request) string {
	switch r.Action {
	case ActionExec:
		return "a command"
	case ActionShell:
		return "an interactive shell"
	}
	f := &r.Facts
	if f.Class == Unknown || f.Class > Dangerous {
		s := "a statement that cannot be judged (unknown"
		if f.Why != "" {
			s += ": " + plain(f.Why)
		}
		return s + ")"
	}
	var b strings.Builder
	if f.Verb == "" {
		b.WriteString("the statement")
	} else {
		b.WriteString(plain(f.Verb))
	}
	b.WriteString(tables(f.Tables))
	b.WriteString(" (" + f.Class.String())
	if f.Why != "" {
		b.WriteString(": " + plain(f.Why))
	}
	b.WriteString(")")
	return b.String()
}

// tables names up to three: those written to, or all if none is.
func tables(all []Table) string {
	var names []string
	for _, written := range []bool{true, false} {
		for _, t := range all {
			if t.Write != written {
				continue
			}
			name := t.Name
			if t.Schema != "" {
				name = t.Schema + "." + name
			}
			names = append(names, plain(name))
		}
		if len(names) > 0 {
			break
		}
	}
	switch n := len(names); {
	case n == 0:
		return ""
	case n > 3:
		return fmt.Sprintf(" on %s and %d more", strings.Join(names[:3], ", "), n-3)
	}
	return " on " + strings.Join(names, ", ")
}

// yes says whose yes an approve rule asks for.
func yes(by *rule) string {
	from := strings.Join(by.by, " or ")
	if by.need > 1 {
		return fmt.Sprintf("a yes from %d people of %s", by.need, from)
	}
	return "a yes from " + from
}

func rightReason(many string, id *Identity, res *Resource, by *rule) string {
	where := plain(res.Name)
	switch {
	case by == nil:
		return "no rule of " + groups(id) + " allows " + many + " on " + where
	case by.effect == Approve:
		return withWords(many+" on "+where+" need "+yes(by), by.reason)
	case by.effect == Allow:
		return withWords(many+" on "+where+" are allowed", by.reason)
	}
	return withWords(many+" on "+where+" are denied", by.reason)
}

// unreached says why a resource is none for this person.
func unreached(id *Identity, res *Resource) string {
	if len(id.Groups) == 0 {
		return "the sign-in told of no groups, so no role reaches " + plain(res.Name)
	}
	return "no role of " + groups(id) + " allows anything on " + plain(res.Name)
}

func groups(id *Identity) string {
	if len(id.Groups) == 0 {
		return "nobody's groups"
	}
	names := make([]string, 0, 6)
	for i, g := range slices.Sorted(slices.Values(id.Groups)) {
		if i == 5 {
			names = append(names, "...")
			break
		}
		names = append(names, plain(g))
	}
	return "the groups " + strings.Join(names, ", ")
}

// withWords adds the rule's own words to a sentence.
func withWords(sentence, words string) string {
	if words == "" {
		return sentence
	}
	return sentence + ": " + words
}

// plain is s as it may stand in a sentence: names come from people and from
// targets, so what cannot be printed is quoted, and what is long is cut.
func plain(s string) string {
	if len(s) > maxPiece {
		cut := maxPiece
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	if !printable(s) {
		return strconv.Quote(s)
	}
	return s
}

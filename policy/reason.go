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
func reason(r *Request, v *verdict) string {
	what, where, by := subject(r), plain(r.Resource.Name), v.rule
	if by == nil {
		return undecided(r, what, v)
	}
	words := by.reason
	if v.err != nil {
		words = strings.TrimPrefix(words+"; ", "; ") + "its condition cannot be computed (" + v.err.Error() + "), and then it holds"
	}
	switch by.effect {
	case Approve:
		return withWords(what+" needs "+yesFrom(by)+" on "+where, words)
	case Allow:
		return withWords(what+" is allowed on "+where, words)
	}
	return withWords(what+" is denied on "+where, words)
}

// undecided says why nothing allows the operation.
func undecided(r *Request, what string, v *verdict) string {
	if wordOf(r.Action) == 0 {
		return "nothing can allow the action " + strconv.Quote(string(r.Action))
	}
	sentence := "no rule allows " + what + " on " + plain(r.Resource.Name)
	if v.failed != nil {
		sentence += "; the condition of " + v.failed.id + " cannot be computed (" + v.why.Error() + "), and so it allows nothing"
	}
	return sentence
}

// subject names the operation: DELETE on orders (write: no WHERE).
func subject(r *Request) string {
	f := &r.Facts
	if r.Action == ActionShell {
		return "an interactive shell"
	}
	if r.Action == ActionUnmask {
		return "cleartext of masked columns"
	}
	if r.Action == ActionForward {
		return "a port forward"
	}
	if f.Class == Unknown || f.Class > Dangerous {
		s := noun1(r.Action) + " that cannot be judged (unknown"
		if f.Why != "" {
			s += ": " + plain(f.Why)
		}
		return s + ")"
	}
	var b strings.Builder
	b.WriteString(object1(r))
	b.WriteString(" (" + f.Class.String())
	if f.Why != "" {
		b.WriteString(": " + plain(f.Why))
	}
	b.WriteString(")")
	return b.String()
}

// noun1 names one operation of an action.
func noun1(a Action) string {
	switch a {
	case ActionExec:
		return "a command"
	case ActionHTTP:
		return "a request"
	case ActionKubernetes:
		return "a Kubernetes call"
	case ActionFile:
		return "a file operation"
	}
	return "a statement"
}

// object1 is what is asked, in short.
func object1(r *Request) string {
	f := &r.Facts
	switch {
	case r.Action == ActionExec && len(f.Commands) > 0:
		var names []string
		for _, c := range f.Commands {
			if n := plain(c.Name); !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		return "the command " + upTo3(names)
	case r.Action == ActionExec:
		return "the command"
	case f.HTTP != nil:
		return plain(f.HTTP.Method + " " + f.HTTP.Path)
	case f.Kubernetes != nil:
		return kubernetesCall(f.Kubernetes)
	case len(f.Files) > 0:
		return fileAccess(f)
	case f.Verb == "" && r.Action == ActionSQL:
		return "the statement" + tables(f.Tables)
	case f.Verb == "":
		return strings.Replace(noun1(r.Action), "a ", "the ", 1)
	}
	return plain(f.Verb) + tables(f.Tables)
}

// fileAccess is what is done to a file, and as a part of what: rename: write /srv/x.
func fileAccess(f *Facts) string {
	a := f.Files[0]
	s := a.Operation + " " + a.Path
	if a.Tree {
		s += " and all below it"
	}
	if f.Verb != "" && !strings.EqualFold(f.Verb, a.Operation) {
		s = strings.ToLower(f.Verb) + ": " + s
	}
	return plain(s)
}

// kubernetesCall is a call as kubectl would say it: create pods/exec web-1 in shop.
func kubernetesCall(k *KubernetesCall) string {
	s := k.Verb + " " + k.Resource
	if k.Subresource != "" {
		s += "/" + k.Subresource
	}
	if k.Name != "" {
		s += " " + k.Name
	}
	if k.Namespace != "" {
		s += " in " + k.Namespace
	}
	return plain(s)
}

func upTo3(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
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
	if len(names) == 0 {
		return ""
	}
	return " on " + upTo3(names)
}

// yesFrom says whose yes an approve rule asks for.
func yesFrom(by *rule) string {
	from := strings.Join(by.by, " or ")
	if by.need > 1 {
		return fmt.Sprintf("a yes from %d people of %s", by.need, from)
	}
	return "a yes from " + from
}

// rightReason says what many operations get. It names no resource, since one
// answer stands for all that are alike.
func rightReason(many, who string, by *rule, r *Right) string {
	var s string
	switch {
	case by == nil:
		s = "no rule for " + who + " allows " + many
	case by.effect == Approve:
		s = withWords(many+" need "+yesFrom(by), by.reason)
	case by.effect == Allow:
		s = withWords(many+" are allowed", by.reason)
	default:
		s = withWords(many+" are denied", by.reason)
	}
	if r.Conditional {
		s += "; only when " + plain(r.When)
	}
	return s
}

// unreached says why a resource is none for this person.
func unreached(id *Identity, res *Resource) string {
	if len(id.Groups) == 0 && len(id.Claims) == 0 {
		return "the sign-in told of no groups, so no role reaches " + plain(res.Name)
	}
	return "no role for " + people(id) + " allows anything on " + plain(res.Name)
}

// people are those whom policy cannot tell from this person.
func people(id *Identity) string {
	if len(id.Groups) == 0 {
		return "somebody without groups"
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

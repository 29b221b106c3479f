package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// Why is the gate's answer to "why": what it would do with an operation, and how
// it comes to that.
type Why struct {
	Who      policy.Identity
	Resource policy.Resource
	Action   policy.Action
	Text     string
	policy.Explanation
	Facts policy.Facts
	// Masks are the columns hidden from this person there, Detect the content
	// detectors that run on the rest.
	Masks  []policy.MaskRule
	Detect []string
	// Basis says what the facts rest on where it is not the target's own catalog.
	Basis string
}

// Tone is how a line of an explanation is meant.
type Tone uint8

const (
	TonePlain Tone = iota
	ToneTitle      // a heading
	ToneDim
	ToneGood
	ToneAsk
	ToneBad
	ToneCode // to be copied: never wrapped
)

// WhyLine is one line of an explanation, escaped.
type WhyLine struct {
	Tone Tone
	Text string
}

// Lines lays an explanation out on width cells: the decision first, then what it
// rests on. It needs no more than ASCII beyond what people and targets wrote.
func (y Why) Lines(width int) []WhyLine {
	l := &whyLines{w: max(24, width)}
	l.decision(y)
	l.facts(y)
	l.tried(y.Tried)
	l.masks(y)
	if y.Grant != "" {
		l.title("The smallest grant that would allow it")
		for s := range strings.Lines(y.Grant) {
			l.add(ToneCode, "  "+widget.EscapeLines(strings.TrimRight(s, "\n")))
		}
	}
	return l.out
}

type whyLines struct {
	w   int
	out []WhyLine
}

func (l *whyLines) add(t Tone, s string) { l.out = append(l.out, WhyLine{t, s}) }

func (l *whyLines) title(s string) {
	if len(l.out) > 0 {
		l.add(TonePlain, "")
	}
	l.add(ToneTitle, s)
}

// whyLabel is how wide the names of facts are.
const whyLabel = 12

// field is a name and its text, wrapped beside it. Empty ones are left out.
func (l *whyLines) field(t Tone, label, text string) {
	if text == "" {
		return
	}
	for i, s := range widget.Wrap(text, max(8, l.w-whyLabel-2)) {
		if i > 0 {
			label = ""
		}
		l.add(t, "  "+widget.Fit(label, whyLabel)+s)
	}
}

// decisionWords is a decision's effect in words.
func decisionWords(d policy.Decision) (Tone, string) {
	switch d.Effect {
	case policy.Allow:
		return ToneGood, "allowed"
	case policy.Approve:
		return ToneAsk, "needs approval from " + need(d.Need) + escapeAll(d.Approvers, " or ")
	}
	return ToneBad, "denied"
}

func (l *whyLines) decision(y Why) {
	d := y.Decision
	tone, says := decisionWords(d)
	for i, s := range widget.Wrap(says+" on "+widget.Escape(y.Resource.Name)+" for "+widget.Escape(y.Who.Display()), l.w-2) {
		if i > 0 {
			tone, s = TonePlain, "  "+s
		}
		l.add(tone, s)
	}
	place := ""
	for _, t := range y.Tried {
		if t.Rule == d.Rule && t.Place != "" {
			place = "  (" + widget.Escape(t.Place) + ")"
		}
	}
	l.field(TonePlain, "rule", widget.Escape(d.Rule)+place)
	l.field(TonePlain, "because", widget.Escape(d.Reason))
	l.field(TonePlain, "terms", strings.Join(Terms(d), ", "))
}

// Terms are the conditions of a decision in a few words each.
func Terms(d policy.Decision) []string {
	var out []string
	say := func(is bool, format string, args ...any) {
		if is {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	if d.Effect == policy.Deny {
		return nil
	}
	if d.Effect == policy.Approve {
		say(d.Wait > 0, "waits up to %s", short(d.Wait))
		say(d.Lasts > 0, "a yes holds for %s", short(d.Lasts))
		say(d.ReasonRequired, "a reason is required")
	}
	m := d.Limits
	say(m.Rows > 0, "at most %s", count(m.Rows, "row"))
	say(m.Bytes > 0, "at most %s", count(m.Bytes, "byte"))
	say(m.Statement > 0, "%s an operation", short(m.Statement))
	say(m.Session > 0, "%s a session", short(m.Session))
	say(m.Idle > 0, "ended when idle for %s", short(m.Idle))
	say(m.Sessions > 0, "%s at a time", count(int64(m.Sessions), "session"))
	for _, lent := range d.Lent() {
		say(true, "%s, if you offer it", lent)
	}
	say(d.Results == policy.KeepDigest, "the answer is kept as a digest only")
	return out
}

// short is a duration without the zeros at its end: 15m, 1h30m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (l *whyLines) facts(y Why) {
	if y.Action == policy.ActionShell {
		return // it has none
	}
	f := y.Facts
	l.title("What was found")
	class := f.Class.String()
	if f.Destructive {
		class += ", destructive"
	}
	if f.Verb != "" {
		class = widget.Escape(f.Verb) + ": " + class
	}
	l.field(TonePlain, "class", class)
	l.field(TonePlain, "why", widget.Escape(f.Why))
	l.field(TonePlain, "statements", several(f.Statements))
	var reads, writes []string
	for _, t := range f.Tables {
		if t.Write {
			writes = append(writes, tableName(t))
		} else {
			reads = append(reads, tableName(t))
		}
	}
	l.field(TonePlain, "changes", strings.Join(writes, ", "))
	l.field(TonePlain, "reads", strings.Join(reads, ", "))
	l.field(TonePlain, "columns set", columnNames(f.Writes))
	l.field(TonePlain, "columns", columnNames(f.Reads))
	l.field(TonePlain, "functions", escapeAll(f.Functions, ", "))
	l.field(TonePlain, "estimate", estimate(f))
	l.field(TonePlain, "commands", commandNames(f.Commands))
	l.field(TonePlain, "request", httpWords(f.HTTP))
	l.field(TonePlain, "call", kubernetesWords(f.Kubernetes))
	if f.Opaque {
		l.field(TonePlain, "opaque", "it may reach more than is named here")
	}
	if f.Copies {
		l.field(TonePlain, "carries", "rows elsewhere than into the answer ("+widget.Escape(f.Form)+")")
	}
	l.field(ToneDim, "found by", widget.Escape(y.Basis))
}

func several(n int) string {
	if n <= 1 {
		return ""
	}
	return strconv.Itoa(n)
}

func tableName(t policy.Table) string {
	if t.Schema == "" {
		return widget.Escape(t.Name)
	}
	return widget.Escape(t.Schema + "." + t.Name)
}

func columnNames(cs []policy.Column) string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = widget.Escape(c.Table + "." + c.Name)
	}
	return strings.Join(out, ", ")
}

func commandNames(cs []policy.Command) string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = widget.Escape(strings.Join(append([]string{c.Name}, c.Args...), " ")) + " (" + c.Class.String() + ")"
	}
	return strings.Join(out, "; ")
}

func httpWords(h *policy.HTTPRequest) string {
	if h == nil {
		return ""
	}
	query := ""
	if h.Query != "" {
		query = "?" + h.Query
	}
	return widget.Escape(h.Method + " " + h.Host + h.Path + query)
}

func kubernetesWords(k *policy.KubernetesCall) string {
	if k == nil {
		return ""
	}
	what := k.Resource
	if k.Group != "" {
		what += "." + k.Group
	}
	for _, part := range []string{k.Subresource, k.Name} {
		if part != "" {
			what += "/" + part
		}
	}
	if k.Namespace != "" {
		what += " in " + k.Namespace
	}
	return widget.Escape(k.Verb + " " + what)
}

// estimate is how many rows the target expects to touch, "" where it was not asked.
func estimate(f policy.Facts) string {
	if f.Estimate == nil {
		return ""
	}
	n := count(*f.Estimate, "row")
	if *f.Estimate > 1 {
		n = "about " + n
	}
	return n
}

func (l *whyLines) tried(all []policy.Trial) {
	if len(all) == 0 {
		return
	}
	l.title("Rules tried")
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b policy.Trial) int { return notMatched(a) - notMatched(b) })
	more := len(all) - maxTried
	for _, t := range all[:min(len(all), maxTried)] {
		tone, word := ToneDim, "no "
		if t.Matched {
			tone, word = TonePlain, "yes"
		}
		place := ""
		if t.Place != "" {
			place = " " + widget.Escape(t.Place)
		}
		l.add(tone, widget.Sides("  "+word+"  "+widget.Fit(t.Effect.String(), 8)+widget.Clip(t.Rule, max(8, l.w-widget.Width(place)-16)), place, l.w))
		for _, s := range widget.Wrap(widget.Escape(t.Why), max(8, l.w-15)) {
			l.add(ToneDim, widget.Spaces(15)+s)
		}
	}
	if more > 0 {
		l.add(ToneDim, fmt.Sprintf("  and %d more that do not match", more))
	}
}

// maxTried is how many rules are shown.
const maxTried = 40

func notMatched(t policy.Trial) int {
	if t.Matched {
		return 0
	}
	return 1
}

func (l *whyLines) masks(y Why) {
	if len(y.Masks) == 0 && len(y.Detect) == 0 {
		return
	}
	l.title("Masked for " + widget.Escape(y.Who.Display()))
	for _, m := range byMethod(y.Masks) {
		l.field(TonePlain, m.method, strings.Join(m.columns, ", "))
	}
	l.field(TonePlain, "anywhere", escapeAll(y.Detect, ", "))
}

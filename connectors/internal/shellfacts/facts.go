package shellfacts

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

// Bounds of what is judged; more is unknown.
const (
	maxText     = 64 << 10
	maxOpeners  = 1000   // brackets and backquotes: they nest the parser
	maxDepth    = 24     // of shells within shells, functions, substitutions
	maxSteps    = 10_000 // statements judged, those of loops once per item
	maxCommands = 500    // that the facts name
	maxFields   = 4000   // words that one command line expands to
	maxWhy      = 6
	maxValue    = 8 << 10 // bytes of a word or a variable that is worked out: x=$x$x doubles
	maxPipes    = 200     // each looks at all before it
)

// Facts judges a command line. It never fails: what cannot be judged is Unknown
// and says why. It is safe for concurrent use.
func Facts(text string) policy.Facts {
	j := &judge{text: text, facts: policy.Facts{Class: policy.Read}}
	if why := unfit(text); why != "" {
		j.raise(policy.Unknown, why)
	} else {
		j.script(newScope(j), text)
	}
	return j.finish()
}

// Command judges a program with its arguments as they are, without a shell.
func Command(argv []string) policy.Facts {
	j := &judge{text: strings.Join(argv, " "), facts: policy.Facts{Class: policy.Read}}
	if why := unfit(j.text); why != "" {
		j.raise(policy.Unknown, why)
		return j.finish()
	}
	args := make([]arg, len(argv))
	for i, a := range argv {
		args[i] = known(a)
	}
	newScope(j).run(args, feed{})
	return j.finish()
}

// unfit says why a text is not even parsed.
func unfit(text string) string {
	switch {
	case len(text) > maxText:
		return fmt.Sprintf("the command is longer than %d KiB", maxText>>10)
	case !utf8.ValidString(text):
		return "the command is not valid UTF-8"
	case strings.TrimSpace(text) == "":
		return "there is no command in the text"
	}
	if strings.Count(text, "|") > maxPipes {
		return "the command is too long to judge"
	}
	openers := 0
	for _, r := range text {
		switch {
		case r == '\t', r == '\n':
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			return "the command holds a control character"
		case strings.ContainsRune("({[`", r):
			openers++
		}
	}
	if openers > maxOpeners {
		return "the command is nested too deeply to judge"
	}
	return ""
}

// judge collects what is found in one command line.
type judge struct {
	text  string
	facts policy.Facts
	why   []string
	// bounds
	fields, depth, steps int
	// unseen is set where a program reads files whose names are not in the text.
	unseen bool
	// armed is set where a variable holds a command substitution as text, which
	// bash runs when the variable is evaluated as arithmetic.
	armed bool
	// pipes are the named pipes of scratch directories that the text makes: > to
	// one of them loses nothing.
	pipes map[string]bool
	// aside is set while words are only tried as a command: within, none are.
	aside bool
}

// raise makes the class at least c.
func (j *judge) raise(c policy.Class, why string) {
	if c.Severity() > j.facts.Class.Severity() {
		j.why = slices.Insert(j.why, 0, why) // the worst reason first
	} else {
		j.why = append(j.why, why)
	}
	j.facts.Class = policy.Worst(j.facts.Class, c)
}

func (j *judge) finish() policy.Facts {
	f := j.facts
	if j.unseen && f.Class.Severity() < policy.Privilege.Severity() && namesSecret(j.text) {
		f.Class = policy.Privilege
		j.why = append(j.why, "reads files whose names look like credentials")
	}
	f.Opaque = f.Class == policy.Unknown
	f.Statements = len(f.Commands)
	var why []string
	for _, w := range j.why {
		if w != "" && !slices.Contains(why, w) && len(why) < maxWhy {
			why = append(why, w)
		}
	}
	if f.Verb == "" {
		f.Verb = "shell"
	}
	if len(why) == 0 && f.Class != policy.Read {
		why = append(why, f.Verb+" is "+f.Class.String())
	}
	f.Why = strings.Join(why, "; ")
	return f
}

// step bounds the work; past it nothing more is judged.
func (j *judge) step() bool {
	if j.steps++; j.steps <= maxSteps {
		return true
	}
	j.facts.Class = policy.Unknown
	if j.steps == maxSteps+1 {
		j.why = slices.Insert(j.why, 0, "the command is too long to judge")
	}
	return false
}

// script judges a text that a shell runs in the scope s.
func (j *judge) script(s *scope, text string) {
	if why := unfit(text); why != "" {
		j.raise(policy.Unknown, why)
		return
	}
	if j.depth >= maxDepth {
		j.raise(policy.Unknown, "the command is nested too deeply to judge")
		return
	}
	j.depth++
	defer func() { j.depth-- }()
	file, err := parse(text)
	if err != nil {
		j.raise(policy.Unknown, "the shell's parser refuses it: "+err.Error())
		return
	}
	s.statements(file.Stmts)
}

// parse never panics: the parser is not ours.
func parse(text string) (f *syntax.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("it failed inside")
		}
	}()
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
}

// Simple returns the words of a text that is one simple command whose words are
// all in the text: no variable, substitution, pattern, redirection or list.
func Simple(text string) (argv []string, ok bool) {
	if unfit(text) != "" {
		return nil, false
	}
	file, err := parse(text)
	if err != nil || len(file.Stmts) != 1 {
		return nil, false
	}
	st := file.Stmts[0]
	c, plain := st.Cmd.(*syntax.CallExpr)
	if !plain || len(st.Redirs) > 0 || len(c.Assigns) > 0 || st.Background || st.Negated || st.Coprocess || st.Disown {
		return nil, false
	}
	j := &judge{text: text}
	for _, a := range newScope(j).words(c.Args) {
		if !a.known || a.many || a.glob || a.from != nil {
			return nil, false
		}
		argv = append(argv, a.text)
	}
	return argv, len(j.why) == 0 && len(argv) > 0
}

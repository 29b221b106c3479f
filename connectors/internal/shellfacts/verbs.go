package shellfacts

import (
	_ "embed"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/policy"
)

//go:embed verbs.txt
var verbsText string

// tool is a program whose first words say what it does, or whose options say
// that it only looks.
type tool struct {
	values []string // options that take a value
	bad    []string // options that run something, wherever they stand
	verbs  []verb
	looks  []look
}

// verb is a pattern of "word" or "word.word", and what it does.
type verb struct {
	pattern string
	effect
}

// look is a set of options of which one must be there and no other may be: with
// them a program only shows something.
type look struct {
	must, also []string
	bare       bool // it has no operands
}

var tools = sync.OnceValue(func() map[string]*tool {
	t := map[string]*tool{}
	for line := range strings.Lines(verbsText) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0][0] == '#' {
			continue
		}
		for _, name := range strings.Split(words[0], ",") {
			if t[name] == nil {
				t[name] = &tool{}
			}
			t[name].learn(words[1], words[2:])
		}
	}
	return t
})

func (t *tool) learn(what string, words []string) {
	switch what {
	case "values":
		t.values = append(t.values, words...)
	case "bad":
		t.bad = append(t.bad, words...)
	case "look", "bare":
		l := look{bare: what == "bare"}
		for _, w := range words {
			if m, ok := strings.CutPrefix(w, "="); ok {
				l.must = append(l.must, m)
			} else {
				l.also = append(l.also, w)
			}
		}
		t.looks = append(t.looks, l)
	default:
		for _, w := range words {
			t.verbs = append(t.verbs, verb{w, parseEffect(what)})
		}
	}
}

// judge finds what the tool does; ok is false where the table does not say.
func (t *tool) judge(c *call) (effect, bool) {
	unsure := false
	for _, a := range c.args {
		if slices.ContainsFunc(t.bad, a.begins) {
			return effect{}, false
		}
		unsure = unsure || !a.known && a.option()
	}
	if !unsure && slices.ContainsFunc(t.looks, func(l look) bool { return l.holds(c.args, t.values) }) {
		return parseEffect("names"), true
	}
	words := operands(c.args, t.values)
	if len(words) == 0 || !words[0].known {
		return effect{}, false
	}
	e, ok := t.find(words)
	if unsure && e.class.Severity() < policy.Dangerous.Severity() && !e.destructive {
		return effect{}, false // what is not known yet may be an option that changes it
	}
	return e, ok
}

// find looks for the first words together: the most of them first.
func (t *tool) find(words []arg) (effect, bool) {
	var names []string
	name := ""
	for i, w := range words {
		if i == 4 || !w.known {
			break
		}
		if name != "" {
			name += "."
		}
		name += w.text
		names = append(names, name)
	}
	for _, name := range slices.Backward(names) {
		for _, v := range t.verbs {
			if ok, err := path.Match(v.pattern, name); err == nil && ok && strings.Count(name, ".") == strings.Count(v.pattern, ".") {
				return v.effect, true
			}
		}
	}
	return effect{}, false
}

// begins reports whether the word is the option, with or without a value.
func (a arg) begins(option string) bool {
	if strings.HasPrefix(option, "--") {
		name, _, _ := strings.Cut(a.text, "=")
		return name == option
	}
	return strings.HasPrefix(a.text, option) && !strings.HasPrefix(a.text, "--")
}

// operands are the words that are neither options nor their values.
func operands(args []arg, values []string) []arg {
	var out []arg
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a.known && a.text == "--":
			return append(out, args[i+1:]...)
		case strings.HasPrefix(a.text, "-") && a.text != "-":
			if slices.Contains(values, a.text) {
				i++
			}
		default:
			out = append(out, a)
		}
	}
	return out
}

// holds reports whether the words only look.
func (l look) holds(args []arg, values []string) bool {
	found := len(l.must) == 0
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a.text == "--" || a.many {
			return false
		}
		if !strings.HasPrefix(a.text, "-") || a.text == "-" {
			if slices.Contains(l.must, a.text) {
				found = true
			} else if l.bare {
				return false
			}
			continue
		}
		spelled := single(a.text)
		if slices.Contains(l.must, a.text) || slices.Contains(l.also, a.text) {
			spelled = []string{a.text} // -version, -ls
		}
		for _, o := range spelled {
			switch {
			case slices.Contains(l.must, o):
				found = true
			case !slices.Contains(l.also, o):
				return false
			}
		}
		if slices.Contains(values, a.text) {
			i++
		}
	}
	return found
}

// single takes a cluster of short options apart, and a value off a long one.
func single(word string) []string {
	if strings.HasPrefix(word, "--") {
		word, _, _ = strings.Cut(word, "=")
		return []string{word}
	}
	var out []string
	for _, r := range word[1:] {
		out = append(out, "-"+string(r))
	}
	return out
}

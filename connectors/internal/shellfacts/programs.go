package shellfacts

import (
	_ "embed"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/policy"
)

//go:embed programs.txt
var programsText string

// effect is what a program, or an option of it, does.
type effect struct {
	class       policy.Class
	destructive bool
}

// program is what the table says of one program.
type program struct {
	effect
	contents bool // it reads the contents of files it is given
	values   string
	options  []option
	operand  *effect // what any operand makes of it
	second   *effect // what a second operand makes of it
	first    map[string]effect
}

// option is a short ("-o") or long ("--output") option that changes what the
// program does, or "+" for the commands that pagers take.
type option struct {
	name string
	effect
}

// table is the parsed programs.txt.
var table = sync.OnceValue(func() map[string]*program { return parseTable(programsText) })

func parseTable(text string) map[string]*program {
	t := map[string]*program{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0][0] == '#' {
			continue
		}
		if words[0] == "flags" {
			if p := t[words[1]]; p != nil {
				p.flags(words[2:])
			}
			continue
		}
		for _, name := range words[1:] {
			t[name] = &program{effect: parseEffect(words[0]), contents: words[0] == "read"}
		}
	}
	return t
}

func parseEffect(word string) effect {
	name, destructive := strings.CutSuffix(word, "!")
	if name == "names" {
		return effect{class: policy.Read}
	}
	c, err := policy.ParseClass(name)
	if err != nil {
		panic("programs.txt: " + err.Error())
	}
	return effect{c, destructive}
}

func (p *program) flags(words []string) {
	for _, w := range words {
		key, val, _ := strings.Cut(w, "=")
		switch key {
		case "vals":
			p.values += val
		case "operand":
			e := parseEffect(val)
			p.operand = &e
		case "second":
			e := parseEffect(val)
			p.second = &e
		case "first":
			names, class, _ := strings.Cut(val, ":")
			if p.first == nil {
				p.first = map[string]effect{}
			}
			for _, n := range strings.Split(names, ",") {
				p.first[n] = parseEffect(class)
			}
		default:
			for _, n := range strings.Split(key, ",") {
				p.options = append(p.options, option{n, parseEffect(val)})
			}
		}
	}
}

// grave reports whether an option can make the program worse than it is.
func (p *program) grave() bool {
	for _, o := range p.options {
		if o.class.Severity() > p.class.Severity() || o.destructive {
			return true
		}
	}
	return len(p.first) > 0
}

// judge finds what the program does with its arguments.
func (p *program) judge(c *call) {
	c.raise(p.effect, "")
	var operands []arg
	ended, value := false, false
	for _, a := range c.args {
		if value { // the word before takes it
			value = false
			if p.contents {
				c.reads(a)
			}
			continue
		}
		value = !ended && len(a.text) == 2 && a.text[0] == '-' && a.known && strings.IndexByte(p.values, a.text[1]) >= 0
		switch {
		case !ended && a.known && a.text == "--":
			ended = true
		case !ended && !a.known && a.option():
			if p.grave() {
				c.unknown("options of " + c.name + " are only known when it runs")
			}
			operands = append(operands, a)
		case !ended && a.option() || !ended && strings.HasPrefix(a.text, "+") && len(a.text) > 1:
			for _, o := range p.options {
				if o.matches(a.text, p.values) {
					c.raise(o.effect, "with "+a.text)
				}
			}
			if p.contents {
				c.reads(a)
			}
		default:
			operands = append(operands, a)
		}
	}
	p.operands(c, operands)
}

func (p *program) operands(c *call, operands []arg) {
	if p.operand != nil && len(operands) > 0 {
		c.raise(*p.operand, "")
	}
	if p.second != nil && len(operands) > 1 {
		c.raise(*p.second, "")
	}
	for i, a := range operands {
		if e, ok := p.first[a.text]; ok && i == 0 {
			c.raise(e, "with "+a.text)
		}
		switch {
		case p.contents:
			c.reads(a)
		case p.class != policy.Read:
			c.touches(a)
		}
	}
}

// matches reports whether a word is this option: alone, in a cluster of short
// ones, with a value, or as a beginning of a long one.
func (o option) matches(word, values string) bool {
	switch {
	case o.name == "+":
		return word[0] == '+' && strings.ContainsAny(word, "!|v") // runs a program, or an editor
	case word[0] == '+':
		return false
	case word == o.name:
		return true
	case strings.HasPrefix(o.name, "--"):
		word, _, _ = strings.Cut(word, "=")
		return len(word) > 2 && strings.HasPrefix(o.name, word)
	case strings.HasPrefix(word, "--"):
		return false
	case len(o.name) > 2:
		return strings.HasPrefix(word, o.name+"=")
	}
	for i := 1; i < len(word); i++ {
		if word[i] == o.name[1] {
			return true
		}
		if strings.IndexByte(values, word[i]) >= 0 {
			return false // the rest is its value
		}
	}
	return false
}

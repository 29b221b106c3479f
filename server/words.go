package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// word is one word of a command line and where it stands in it.
type word struct {
	text       string
	start, end int
	quoted     bool
}

// split divides a command line into words by POSIX quoting (XCU 2.2): blanks
// separate, single quotes keep everything, double quotes all but \ before one of
// $ ` " \ and newline, and a backslash the next character. Nothing is expanded.
func split(line string) ([]word, error) {
	var words []word
	var b strings.Builder
	in, w := false, word{}
	for i := 0; i < len(line); {
		c := line[i]
		if !in && strings.IndexByte(" \t\n", c) >= 0 {
			i++
			continue
		}
		if !in {
			in, w = true, word{start: i}
			b.Reset()
		}
		switch c {
		case ' ', '\t', '\n':
			w.text, w.end, in = b.String(), i, false
			words = append(words, w)
			i++
		case '\'', '"':
			n, err := quoted(line[i:], &b)
			if err != nil {
				return nil, err
			}
			w.quoted = true
			i += n
		case '\\':
			w.quoted = true
			if i+1 < len(line) && line[i+1] != '\n' {
				b.WriteByte(line[i+1])
			}
			i = min(i+2, len(line))
		default:
			b.WriteByte(c)
			i++
		}
	}
	if in {
		w.text, w.end = b.String(), len(line)
		words = append(words, w)
	}
	return words, nil
}

// quoted reads a quoted part at the start of s and returns its length.
func quoted(s string, b *strings.Builder) (int, error) {
	q := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == q:
			return i + 1, nil
		case q == '"' && s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0:
			i++
			if s[i] != '\n' {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return 0, fmt.Errorf("a %c is never closed", q)
}

// command is a parsed verb line.
type command struct {
	line     string
	verb     string
	operands []word
	flags    map[string]string   // name → value; "true" for a switch
	all      map[string][]string // every value of a flag, in order
}

// parse reads a verb's line. Flags of the verb may stand before and after
// operands; "--" ends them once. Where the last operand is free text (a statement
// or a command) of more than one word, words that are no flag of the verb belong
// to it: `ssh bastion sql r select 1 -- one` arrives here without its quotes.
func parse(line string, verbs []verb) (command, *verb, error) {
	words, err := split(line)
	if err != nil {
		return command{}, nil, err
	}
	if len(words) == 0 {
		return command{}, nil, fmt.Errorf("there is no verb")
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == words[0].text })
	if i < 0 {
		return command{}, nil, fmt.Errorf("there is no verb %q%s", printable(words[0].text), meant(words[0].text, names(verbs)))
	}
	v := &verbs[i]
	c := command{line: line, verb: v.name, flags: map[string]string{}, all: map[string][]string{}}
	rest := words[1:]
	literal := false
	for len(rest) > 0 {
		w := rest[0]
		name, value, has := strings.Cut(w.text, "=")
		started := v.free > 0 && len(c.operands) > v.free
		kind, known := v.flags[name]
		known = known && !(started && name == v.lead)
		switch {
		case literal, w.quoted, !strings.HasPrefix(w.text, "-"), w.text == "-":
			c.operands = append(c.operands, w)
		case helpFlags[w.text] && !started:
			c.flags["--help"] = "true"
		case w.text == "--" && !started:
			literal = true
		case known && kind == "" && !has:
			c.flags[name] = "true"
		case known && kind != "" && has:
			c.flags[name], c.all[name] = value, append(c.all[name], value)
		case known && kind != "" && len(rest) > 1:
			c.flags[name], c.all[name] = rest[1].text, append(c.all[name], rest[1].text)
			rest = rest[1:]
		case known:
			return c, v, fmt.Errorf("%s needs a %s", name, kind)
		case started:
			c.operands = append(c.operands, w)
		default:
			return c, v, fmt.Errorf("%s has no flag %s%s", v.name, printable(name), meant(name, slices.Sorted(maps.Keys(v.flags))))
		}
		rest = rest[1:]
	}
	return c, v, nil
}

// meant is the end of an error about a word that is none of known: the one that was
// probably meant, if there is one. `help` has all.
func meant(word string, known []string) string {
	if s := policy.Suggest(word, known); strings.HasPrefix(s, ": did you mean") {
		return s
	}
	return ""
}

func names(verbs []verb) []string {
	var list []string
	for _, v := range verbs {
		list = append(list, v.name)
	}
	return list
}

// operand returns the n-th operand's text, "" where there is none.
func (c command) operand(n int) string {
	if n < len(c.operands) {
		return c.operands[n].text
	}
	return ""
}

// freeText is the operands from the n-th on as one text: a single word without
// its quotes, several as they stand in the line, whose quotes are then the
// statement's or the target shell's own.
func (c command) freeText(n int) (string, error) {
	switch ws := c.operands[min(n, len(c.operands)):]; len(ws) {
	case 0:
		return "", nil
	case 1:
		return ws[0].text, nil
	default:
		text := c.line[ws[0].start:ws[len(ws)-1].end]
		for f := range c.flags {
			for i := 1; i < len(ws); i++ {
				if strings.Contains(c.line[ws[i-1].end:ws[i].start], f) {
					return "", fmt.Errorf("%s stands in the middle of the text: put it first or last", f)
				}
			}
		}
		return text, nil
	}
}

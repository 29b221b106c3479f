package redis

import (
	_ "embed" // the table
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/policy"
)

//go:embed commands.txt
var commandsText string

// command is a line of the table.
type command struct {
	name   string // GET, CONFIG SET
	class  policy.Class
	keys   []keySpec
	moving bool // which arguments are keys is told by code
	answer answer
	why    string

	destroys, opaque, copies, blocks, affects, pairs, never, code bool
	exact                                                         int // so many arguments, 0 for any number
}

// answer is what of values is in a command's answer.
type answer uint8

const (
	untold  answer = iota // it cannot be told
	nothing               // no value of a key
	value                 // values of the one key
	eachKey               // a value of each key, in turn
	hash                  // fields and values, in turn
	field                 // the value of the field named in the second argument
	fields                // a value of each field named from the second argument on
	scored                // members, with or without scores
	stream                // entries: an id, and fields and values
	streams               // names of streams and their entries
	hscan                 // a cursor, and what hash is
	sscan                 // a cursor, and what value is
	zscan                 // a cursor, and what scored is
)

var answers = map[string]answer{
	"?": untold, "-": nothing, "value": value, "key": eachKey, "hash": hash, "field": field, "fields": fields, "scored": scored,
	"stream": stream, "streams": streams, "hscan": hscan, "sscan": sscan, "zscan": zscan,
}

// keySpec says which arguments are keys, from 1 on, and what is done with them.
type keySpec struct {
	read, write bool
	from, to    int // to: 0 is from alone, negative counts from the end
	step        int
	counted     bool // from is how many follow
}

// commands are those of the table, by name.
var commands = sync.OnceValue(func() map[string]*command {
	m, err := parseCommands(commandsText)
	if err != nil {
		panic("redis: " + err.Error()) // it is part of the program
	}
	return m
})

// containers are the first words of commands of two.
var containers = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for name := range commands() {
		if first, _, ok := strings.Cut(name, "|"); ok {
			m[first] = true
		}
	}
	return m
})

// find is the command that arguments begin with, and the rest of them; nil if the
// table has none.
func find(args []string) (*command, []string) {
	name, rest := strings.ToUpper(args[0]), args[1:]
	if strings.Contains(name, "|") {
		return nil, rest // it is so that the table writes two words
	}
	if containers()[name] && len(rest) > 0 {
		if c := commands()[name+"|"+strings.ToUpper(rest[0])]; c != nil {
			return c, rest[1:]
		}
		if commands()[name] != nil { // COMMAND alone is one, COMMAND FOO is none
			return nil, rest
		}
	}
	return commands()[name], rest
}

func parseCommands(text string) (map[string]*command, error) {
	m := map[string]*command{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		c, err := parseCommand(line)
		if err != nil {
			return nil, fmt.Errorf("command table: %q: %w", line, err)
		}
		name := strings.ReplaceAll(c.name, " ", "|")
		if m[name] != nil {
			return nil, fmt.Errorf("command table: %s is there twice", c.name)
		}
		m[name] = c
	}
	return m, nil
}

func parseCommand(line string) (*command, error) {
	line, why, _ := strings.Cut(line, " -- ")
	f := strings.Fields(line)
	if len(f) < 4 {
		return nil, fmt.Errorf("%d fields", len(f))
	}
	c := &command{name: strings.ReplaceAll(f[0], "|", " "), why: why}
	var err error
	if c.class, err = policy.ParseClass(f[1]); err != nil {
		return nil, err
	}
	if c.moving = f[2] == "@"; !c.moving {
		if c.keys, err = parseKeys(f[2]); err != nil {
			return nil, err
		}
	}
	var ok bool
	if c.answer, ok = answers[f[3]]; !ok {
		return nil, fmt.Errorf("answer %q", f[3])
	}
	for _, mark := range f[4:] {
		if err := c.mark(mark); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *command) mark(mark string) error {
	flags := map[string]*bool{
		"destroys": &c.destroys, "opaque": &c.opaque, "copies": &c.copies, "blocks": &c.blocks, "affects": &c.affects,
		"pairs": &c.pairs, "never": &c.never, "code": &c.code,
	}
	if f := flags[mark]; f != nil {
		*f = true
		return nil
	}
	n, ok := strings.CutPrefix(mark, "exact=")
	if !ok {
		return fmt.Errorf("mark %q", mark)
	}
	var err error
	c.exact, err = strconv.Atoi(n)
	return err
}

// parseKeys reads r1, b1+w2, w1../2, b1..-1, r2#.
func parseKeys(text string) ([]keySpec, error) {
	if text == "-" {
		return nil, nil
	}
	var out []keySpec
	for part := range strings.SplitSeq(text, "+") {
		k := keySpec{step: 1, read: part[0] == 'r' || part[0] == 'b', write: part[0] == 'w' || part[0] == 'b'}
		if !strings.ContainsRune("rwbm", rune(part[0])) {
			return nil, fmt.Errorf("keys %q", part)
		}
		rest := part[1:]
		rest, k.counted = strings.CutSuffix(rest, "#")
		rest, step, ok := strings.Cut(rest, "/")
		var err error
		if ok {
			if k.step, err = strconv.Atoi(step); err != nil {
				return nil, err
			}
		}
		from, to, ranged := strings.Cut(rest, "..")
		if k.from, err = strconv.Atoi(from); err != nil {
			return nil, err
		}
		switch {
		case !ranged:
			k.to = k.from
		case to == "":
			k.to = 0
		default:
			if k.to, err = strconv.Atoi(to); err != nil {
				return nil, err
			}
		}
		out = append(out, k)
	}
	return out, nil
}

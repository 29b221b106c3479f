package redis

import (
	"context"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// flags are what the server itself says of a command.
type flags struct {
	write, admin bool
	keyed        bool // some argument is a key
	messages     bool
}

// maxCommands bounds what is read of a server's commands, those of modules too.
const (
	maxCommands     = 10_000
	maxCommandBytes = 32 << 20
)

// learnFlags asks the server what it says of its commands. Where the login may not
// ask, the table stands alone.
func (c *Conn) learnFlags(ctx context.Context, g connectors.Guard) error {
	found := map[string]flags{}
	err := c.asked(ctx, g, c.second, []string{"COMMAND"}, func(it item) error {
		if !it.aggregate() || it.n > maxCommands {
			return malformed("its list of commands is none")
		}
		return readCommands(c.second, it.n, found, 1)
	})
	if denied(err) {
		c.warn("the login may not ask what the server's commands are (COMMAND): what a command does is judged by the gate's table alone")
		return nil
	}
	c.flags.Store(&found)
	return err
}

// readCommands reads so many descriptions of commands: a name, an arity, flags, and, as
// the tenth, the commands that it is a container of, which contain no more.
func readCommands(w *wire, n int64, found map[string]flags, depth int) error {
	for ; n > 0; n-- {
		if len(found) > maxCommands || w.read > maxCommandBytes {
			return malformed("its list of commands does not end")
		}
		it, err := w.next()
		if err != nil {
			return err
		}
		if !it.aggregate() {
			continue // null
		}
		name := ""
		for i := range it.n {
			part, err := w.next()
			if err != nil {
				return err
			}
			switch {
			case i == 0 && part.kind == isBulk:
				name = strings.ToUpper(string(part.text))
			case i == 2 && part.aggregate():
				if found[name], err = readFlags(w, part.n); err != nil {
					return err
				}
			case i == 3 && part.kind == isNumber:
				f := found[name]
				f.keyed = f.keyed || string(part.text) != "0" && !f.messages
				found[name] = f
			case i == 9 && part.aggregate() && depth == 1:
				if err := readCommands(w, part.n, found, depth+1); err != nil {
					return err
				}
			case part.aggregate():
				if err := w.skip(part.n, 1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func readFlags(w *wire, n int64) (flags, error) {
	var f flags
	for ; n > 0; n-- {
		it, err := w.next()
		if err != nil {
			return f, err
		}
		if it.aggregate() {
			return f, malformed("flags of a command that are none")
		}
		switch string(it.text) {
		case "write":
			f.write = true
		case "admin":
			f.admin = true
		case "pubsub":
			f.messages = true // channels, which are no keys
		case "movablekeys":
			f.keyed = true
		}
	}
	return f, nil
}

// compare is the belt: where the server says worse of a command than the table, it is
// not understood.
func (j *judged) compare(server map[string]flags) {
	if j.cmd == nil || server == nil {
		return
	}
	f := server[strings.ReplaceAll(j.cmd.name, " ", "|")]
	if f.write && j.facts.Class.Severity() < policy.Write.Severity() {
		j.unknown("the server says that " + j.cmd.name + " writes, and the gate's table that it reads")
	}
	if f.keyed && len(j.cmd.keys) == 0 && !j.cmd.moving {
		j.unknown("the server says that " + j.cmd.name + " is about keys, and the gate's table that it is not")
	}
	if f.admin && j.facts.Class.Severity() < policy.Privilege.Severity() {
		j.unknown("the server keeps " + j.cmd.name + " to administrators, and the gate's table does not")
	}
}

package shellfacts

import (
	"path"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// call is one simple command while it is judged.
type call struct {
	s    *scope
	name string
	args []arg
	in   feed
	own  effect // the worst of what it does itself
}

// run judges a command: the program's name and its arguments.
func (s *scope) run(args []arg, in feed) {
	if !s.j.step() {
		return
	}
	if len(args) == 0 || !args[0].known || args[0].many || args[0].glob {
		s.unresolved(args)
		return
	}
	name := base(args[0].text)
	if name == "" {
		s.j.raise(policy.Unknown, "the command has an empty name")
		return
	}
	if s.j.facts.Verb == "" {
		s.j.facts.Verb = name
	}
	c := &call{s: s, name: name, args: args[1:], in: in, own: effect{class: policy.Read}}
	c.judge()
	if cs := s.j.facts.Commands; len(cs) < maxCommands {
		cmd := policy.Command{Name: name, Class: c.own.class}
		for _, a := range c.args {
			cmd.Args = append(cmd.Args, a.shown())
		}
		s.j.facts.Commands = append(cs, cmd)
	}
}

// unresolved is a command whose program is only known when it runs.
func (s *scope) unresolved(args []arg) {
	s.j.raise(policy.Unknown, "which program runs is only known when it runs")
	cmd := policy.Command{Class: policy.Unknown}
	for i, a := range args {
		if i == 0 {
			cmd.Name = a.shown()
			continue
		}
		cmd.Args = append(cmd.Args, a.shown())
	}
	if s.j.facts.Verb == "" {
		s.j.facts.Verb = cmd.Name
	}
	if guessed(args) {
		s.j.facts.Destructive = true
	}
	s.j.facts.Commands = append(s.j.facts.Commands, cmd)
}

// destroyerNames are programs that a name which is not known may stand for.
var destroyerNames = strings.Fields("rm dd shred wipe kill killall pkill mkfs truncate unlink reboot shutdown halt poweroff wipefs userdel systemctl find")

// guessed reports whether a command whose name is a pattern, or not known, would
// destroy if the name were that of a program that can. Of a name that nothing is
// known of, only the arguments of rm -rf tell.
func guessed(args []arg) bool {
	if len(args) == 0 {
		return false
	}
	if args[0].known && args[0].glob {
		for _, name := range destroyerNames {
			for _, dir := range []string{"", "/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"} {
				if ok, err := path.Match(clean(args[0].text), dir+name); err == nil && ok && destroyingProgram(append([]arg{known(name)}, args[1:]...)) {
					return true
				}
			}
		}
		return false
	}
	if len(args) > 1 {
		switch args[1].text {
		case "-rf", "-fr", "-Rf", "-fR", "-r", "-R":
			return destroyingProgram(append([]arg{known("rm")}, args[1:]...))
		}
	}
	return looksDestructive(strings.Join(texts(args), " "))
}

func (c *call) judge() {
	if c.s.j.depth >= maxDepth {
		c.unknown("the command is nested too deeply to judge")
		return
	}
	c.s.j.depth++
	defer func() { c.s.j.depth-- }()
	p, f := table()[c.name], handlers()[c.name]
	switch {
	case c.asksHelp() && (p != nil || f != nil):
	case c.s.funcs[c.name] && p == nil && f == nil:
		// its body was judged where it is defined
	case f != nil:
		f(c)
	case p == nil && tools()[c.name] == nil:
		c.unlisted()
	default:
		c.listed(p)
	}
}

// listed judges by the tables.
func (c *call) listed(p *program) {
	if t := tools()[c.name]; t != nil {
		if e, ok := t.judge(c); ok {
			c.raise(e, "")
			return
		}
	}
	if p == nil {
		p = &program{effect: effect{class: policy.Dangerous}}
	}
	p.judge(c)
}

func (c *call) unlisted() {
	if path.Dir(path.Clean(c.name)) == "/etc/init.d" {
		c.name, c.args = "service", append([]arg{known(path.Base(c.name))}, c.args...)
		c.service()
		return
	}
	if strings.Contains(c.name, "/") {
		c.unknown("runs the file " + c.name + ", whose contents are not in the text")
		return
	}
	if strings.HasPrefix(c.name, "mkfs.") {
		c.raise(effect{policy.Dangerous, true}, "")
		return
	}
	c.unknown(c.name + " is not a program that is known")
}

// asksHelp: nearly every program answers --help and --version and does nothing.
func (c *call) asksHelp() bool {
	return len(c.args) == 1 && c.args[0].known && (c.args[0].text == "--help" || c.args[0].text == "--version") && c.name != "echo" && !runsRest[c.name]
}

// runsRest are programs whose arguments are a command, so that --help may be one's.
var runsRest = set("eval exec command builtin")

// raise makes the call as bad as e.
func (c *call) raise(e effect, why string) {
	c.own.class = policy.Worst(c.own.class, e.class)
	c.own.destructive = c.own.destructive || e.destructive
	if e.class == policy.Read && !e.destructive {
		c.s.j.facts.Class = policy.Worst(c.s.j.facts.Class, e.class)
		return
	}
	words := c.name + " is " + e.class.String()
	if why != "" {
		words = c.name + " " + why + " is " + e.class.String()
	}
	c.because(e, words)
}

func (c *call) because(e effect, words string) {
	c.s.j.raise(e.class, words)
	if e.destructive {
		c.s.j.facts.Destructive = true
	}
}

// is makes the call as bad as class and says why in full.
func (c *call) is(class policy.Class, why string) {
	c.own.class = policy.Worst(c.own.class, class)
	c.s.j.raise(class, why)
}

func (c *call) destroys(class policy.Class, why string) {
	c.own.destructive = true
	c.s.j.facts.Destructive = true
	c.is(class, why)
}

func (c *call) unknown(why string) { c.is(policy.Unknown, why) }

// at is a path as seen from where an earlier cd went.
func (c *call) at(a arg) arg {
	wd := c.s.vars["PWD"]
	if wd.known && strings.HasPrefix(wd.text, "/") && a.text != "" && !strings.ContainsAny(a.text[:1], "/~-$") {
		a.text = strings.TrimSuffix(wd.text, "/") + "/" + a.text
	}
	return a
}

// reads accounts for a file, or an option with a file, whose contents it shows.
func (c *call) reads(a arg) {
	if a.from != nil {
		return
	}
	if !a.known || a.data {
		c.s.j.unseen = true
	}
	if i := strings.LastIndexAny(a.text, "=@"); a.option() && i >= 0 {
		a.text = a.text[i+1:]
	}
	f := readOf(c.at(a))
	if f.class != policy.Read {
		c.is(f.class, f.why)
	}
}

// touches accounts for a file that it changes.
func (c *call) touches(a arg) {
	if f := writeOf(c.at(a)); f.class != policy.Write {
		c.is(f.class, f.why)
	}
}

// then judges the command that this one runs.
func (c *call) then(args []arg, in feed) { c.s.run(args, in) }

// split parts the arguments into options and operands by getopt's rules: shorts
// and longs are those that take a value. With first, the options end at the
// first operand.
func (c *call) split(shorts string, longs []string, first bool) (options map[string][]arg, rest []arg) {
	options = map[string][]arg{}
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		if a.known && a.text == "--" {
			return options, append(rest, c.args[i+1:]...)
		}
		if len(a.text) < 2 || a.text[0] != '-' {
			if first {
				return options, c.args[i:]
			}
			rest = append(rest, a)
			continue
		}
		i += c.option(options, a, c.args[i+1:], shorts, longs)
	}
	return options, rest
}

// option files one option and returns how many of the following words it takes.
func (c *call) option(options map[string][]arg, a arg, next []arg, shorts string, longs []string) int {
	take := func(name string, value arg) { options[name] = append(options[name], value) }
	value := arg{}
	if len(next) > 0 {
		value = next[0]
	}
	if strings.HasPrefix(a.text, "--") {
		name, inline, has := strings.Cut(a.text, "=")
		for _, l := range longs {
			if l == name || len(name) > 3 && strings.HasPrefix(l, name) {
				if has {
					take(l, arg{text: inline, known: a.known})
					return 0
				}
				take(l, value)
				return min(1, len(next))
			}
		}
		take(name, arg{text: inline, known: a.known})
		return 0
	}
	for i := 1; i < len(a.text); i++ {
		name := "-" + a.text[i:i+1]
		if strings.IndexByte(shorts, a.text[i]) < 0 {
			take(name, arg{})
			continue
		}
		if i+1 < len(a.text) || !a.known {
			take(name, arg{text: a.text[i+1:], known: a.known})
			return 0
		}
		take(name, value)
		return min(1, len(next))
	}
	return 0
}

func has(options map[string][]arg, names ...string) bool {
	for _, n := range names {
		if len(options[n]) > 0 {
			return true
		}
	}
	return false
}

package shellfacts

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

func (c *call) rm() {
	options, rest := c.split("", []string{"--interactive"}, false)
	deep := has(options, "-r", "-R") || hasPrefix(options, "--recursive", "--r")
	c.is(policy.Write, "")
	for _, a := range c.args {
		if !a.known && a.many && !a.data && a.text == "" {
			c.destroys(policy.Unknown, "what rm deletes, and how, is only known when it runs")
		}
	}
	switch {
	case deep && slices.ContainsFunc(rest, func(a arg) bool { return !a.known && !a.data && a.text == "" }):
		c.destroys(policy.Dangerous, "deletes a tree that is only known when it runs: it may be all")
	case deep:
		c.destroys(policy.Write, "deletes recursively")
	case slices.ContainsFunc(rest, func(a arg) bool { return a.glob || !a.known }):
		c.destroys(policy.Write, "deletes whatever matches")
	}
	for _, a := range rest {
		c.loses(a, deep)
	}
}

// hasPrefix reports whether a long option, possibly shortened, is there.
func hasPrefix(options map[string][]arg, long, least string) bool {
	for o := range options {
		if strings.HasPrefix(long, o) && len(o) >= len(least) {
			return true
		}
	}
	return false
}

// loses accounts for a path that is deleted or overwritten.
func (c *call) loses(a arg, deep bool) {
	a = c.at(a)
	f := removeOf(a, deep)
	if f.class == policy.Write {
		return
	}
	c.is(f.class, f.why)
	if vital.MatchString(clean(a.text)) || f.class == policy.Dangerous && deep {
		c.destroys(f.class, "the system needs "+a.text)
	}
}

// vital are single files whose loss stops a system or erases evidence.
var vital = regexp.MustCompile(`^(/etc/(passwd|shadow|group|fstab|sudoers)|/boot/.*|(/usr)?/s?bin/.*|(/usr)?/lib.*|/dev/.*|/var/lib/.*|/var/log/.*)$`)

func (c *call) unlink() {
	c.is(policy.Write, "")
	for _, a := range c.args {
		if a.glob || a.many || a.data {
			c.destroys(policy.Write, "deletes whatever matches")
		}
		c.loses(a, false)
	}
}

// findRuns are find's expressions that run a command up to ; or +.
var findRuns = set("-exec -execdir -ok -okdir")

func (c *call) find() {
	reader, deletes := false, false
	for i := 0; i < len(c.args); i++ {
		a := c.args[i]
		switch {
		case !a.known && (a.many || a.text == "" && i > 0 && !c.args[i-1].option()):
			c.unknown("what find does is only known when it runs")
		case a.text == "-delete":
			c.destroys(policy.Write, "find deletes what it finds")
			deletes = true
		case strings.HasPrefix(a.text, "-fprint") || a.text == "-fls":
			if i+1 < len(c.args) {
				c.s.written(c.args[i+1], false)
				c.own.class = policy.Worst(c.own.class, policy.Write)
			}
		case findRuns[a.text]:
			end := i + 1
			for end < len(c.args) && c.args[end].text != ";" && c.args[end].text != "+" {
				end++
			}
			if end > i+1 {
				reader = true
				program := filled(c.args[i+1:end], "{}")
				c.then(program, feed{set: true})
				deletes = deletes || !c.s.j.aside && destroyingProgram(program)
			}
			i = end
		case strings.HasPrefix(a.text, "-files0-from"):
			c.s.j.unseen = true
		}
	}
	c.s.j.unseen = c.s.j.unseen || reader
	if deletes {
		for _, a := range c.args {
			if strings.HasPrefix(a.text, "-") {
				break
			}
			c.loses(a, true)
		}
	}
}

func (c *call) fd() {
	for i, a := range c.args {
		if a.text == "-x" || a.text == "-X" || a.text == "--exec" || a.text == "--exec-batch" {
			if i+1 < len(c.args) {
				c.then(filled(append(slices.Clone(c.args[i+1:]), known("{}")), "{}"), feed{set: true})
			}
			return
		}
	}
}

func (c *call) truncate() {
	options, rest := c.split("sro", []string{"--size", "--reference"}, false)
	size := slices.Concat(options["-s"], options["--size"])
	if len(size) > 0 && strings.HasPrefix(size[0].text, "+") {
		c.is(policy.Write, "grows a file")
	} else {
		c.destroys(policy.Write, "truncates files")
	}
	for _, a := range rest {
		c.loses(a, false)
	}
}

func (c *call) tee() {
	options, rest := c.split("", nil, false)
	for _, a := range rest {
		c.s.written(a, has(options, "-a", "--append"))
		if !harmlessSink(a.text) {
			c.own.class = policy.Worst(c.own.class, policy.Worst(policy.Write, writeOf(a).class))
		}
	}
}

// scratch are directories whose files nobody counts on.
var scratch = regexp.MustCompile(`^(/tmp|/var/tmp|/dev/shm)/[^/]+$`)

func (c *call) mkfifo() {
	c.is(policy.Write, "")
	for _, a := range operands(c.args, nil) {
		c.touches(a)
		if p := clean(a.text); a.known && !c.s.j.aside && scratch.MatchString(p) {
			if c.s.j.pipes == nil {
				c.s.j.pipes = map[string]bool{}
			}
			c.s.j.pipes[p] = true
		}
	}
}

func (c *call) dd() {
	for _, a := range c.args {
		name, value, _ := strings.Cut(a.text, "=")
		v := arg{text: value, known: a.known, glob: a.glob}
		switch {
		case name == "of":
			c.s.written(v, false)
			if !harmlessSink(value) {
				c.own.class = policy.Worst(c.own.class, policy.Worst(policy.Write, writeOf(v).class))
			}
		case name == "if":
			c.reads(v)
		case !a.known:
			c.unknown("what dd does is only known when it runs")
		}
	}
}

// copies is cp, mv, install and ln: the last word is where it goes.
func (c *call) copies() {
	options, rest := c.split("tSgomZ", []string{"--target-directory", "--suffix", "--backup", "--mode", "--owner", "--group", "--context"}, false)
	c.is(policy.Write, "")
	targets := slices.Concat(options["-t"], options["--target-directory"])
	sources := rest
	if len(targets) == 0 && len(rest) > 1 && !(c.name == "install" && has(options, "-d")) {
		targets, sources = rest[len(rest)-1:], rest[:len(rest)-1]
	}
	for _, a := range sources {
		if c.name == "cp" || c.name == "ln" || c.name == "install" {
			c.reads(a)
		}
		if c.name == "mv" {
			c.loses(a, true)
			if f := removeOf(a, true); f.class == policy.Dangerous {
				c.destroys(f.class, "moves "+a.text+" away")
			}
		}
		if (c.name != "install") && harmlessSink(a.text) {
			c.destroys(policy.Write, "empties what it copies to")
		}
	}
	for _, t := range targets {
		if !t.known || t.data {
			c.is(policy.Write, "where it copies to is only known when it runs")
		}
		c.touches(known(strings.TrimSuffix(t.text, "/") + "/x"))
		c.touches(t)
		if disk.MatchString(clean(t.text)) || c.name == "mv" && t.text == "/dev/null" {
			c.destroys(policy.Dangerous, "overwrites "+t.text)
		}
	}
	if m := slices.Concat(options["-m"], options["--mode"]); slices.ContainsFunc(m, func(a arg) bool { return setid(a.text) }) {
		c.is(policy.Privilege, "gives a program the rights of its owner")
	}
}

func setid(mode string) bool {
	return strings.Contains(mode, "s") || len(strings.TrimLeft(mode, "0")) == 4 && strings.ContainsAny(strings.TrimLeft(mode, "0")[:1], "234567")
}

// closes are modes by which others cannot enter a directory; common are those
// that every program enters.
var (
	closes = regexp.MustCompile(`^0*[0-7]{0,3}[0246]$|^([ugo]*[oa][ugo]*)?=[rwX]*$|^[ugoa]*-[rwX]*x[rwX]*$`)
	common = regexp.MustCompile(`^/(etc|bin|sbin|lib|lib64|dev|usr|usr/(bin|sbin|lib|local|share)|var|var/lib|tmp|home|run)?$`)
)

// owns is chmod, chown and chgrp.
func (c *call) owns() {
	c.is(policy.Privilege, "changes who may do what with files")
	deep := false
	var rest []arg
	for _, a := range c.args {
		switch {
		case a.text == "-R" || strings.HasPrefix(a.text, "--r") && strings.HasPrefix("--recursive", a.text):
			deep = true
		case strings.HasPrefix(a.text, "-") && strings.Contains(a.text, "R") && !strings.HasPrefix(a.text, "--"):
			deep = true
		case strings.HasPrefix(a.text, "--"):
		default:
			rest = append(rest, a)
		}
	}
	if !deep && c.name == "chmod" && len(rest) > 1 && closes.MatchString(rest[0].text) && slices.ContainsFunc(rest[1:], func(a arg) bool { return common.MatchString(clean(a.text)) }) {
		c.destroys(policy.Dangerous, "closes a directory that everybody needs")
	}
	if !deep || len(rest) < 2 {
		return
	}
	for _, a := range rest[1:] {
		p := strings.TrimSuffix(clean(a.text), "/*")
		if trees.MatchString(p) || p == "" || !a.known || strings.HasPrefix(p, "/etc") || strings.HasPrefix(p, "/usr") || strings.HasPrefix(p, "/var") {
			class := policy.Privilege
			if p == "/" || p == "" {
				class = policy.Dangerous
			}
			c.destroys(class, "changes the rights of a whole tree of the system")
		}
	}
}

func (c *call) tar() {
	mode := ""
	if len(c.args) > 0 && !strings.HasPrefix(c.args[0].text, "-") {
		mode = c.args[0].text
	}
	for _, a := range c.args {
		switch t := a.text; {
		case !a.known && a.option() && !a.data:
			c.unknown("options of tar are only known when it runs")
		case strings.HasPrefix(t, "--to-c"), strings.HasPrefix(t, "--checkpoint-a"), strings.HasPrefix(t, "--use-c"), strings.HasPrefix(t, "--info-s"), strings.HasPrefix(t, "--new-volume"), strings.HasPrefix(t, "--rsh"), strings.HasPrefix(t, "--rmt"):
			c.is(policy.Dangerous, "tar runs a program")
			c.embedded(t)
		case strings.HasPrefix(t, "--remove-f"):
			c.destroys(policy.Write, "tar deletes what it has packed")
		case t == "--list":
			mode += "t"
		case strings.HasPrefix(t, "--extract"), strings.HasPrefix(t, "--get"), strings.HasPrefix(t, "--cre"), strings.HasPrefix(t, "--app"), strings.HasPrefix(t, "--upd"), strings.HasPrefix(t, "--del"), strings.HasPrefix(t, "--cat"):
			mode += "c"
		case strings.HasPrefix(t, "-") && !strings.HasPrefix(t, "--"):
			mode += t[1:]
		}
	}
	if strings.Contains(mode, "I") || strings.Contains(mode, "F") {
		c.is(policy.Dangerous, "tar runs a program")
	}
	for i, a := range c.args {
		if a.text == "-C" || i > 0 && c.args[i-1].text == "-C" || strings.HasPrefix(a.text, "/") {
			if strings.Contains(mode, "x") && (a.text == "/" || strings.HasPrefix(a.text, "/etc") || strings.HasPrefix(a.text, "/usr")) {
				c.is(policy.Dangerous, "unpacks over the system")
			}
		}
	}
	if !strings.Contains(mode, "t") || strings.ContainsAny(mode, "xcrA") {
		c.is(policy.Write, "")
		for _, a := range operands(c.args, nil) {
			c.reads(a)
		}
	}
}

func (c *call) rsync() {
	if c.dryRun() {
		return
	}
	c.is(policy.Write, "rsync copies files")
	for _, a := range c.args {
		t := a.text
		switch {
		case strings.HasPrefix(t, "--del"), strings.HasPrefix(t, "--remove-so"):
			c.destroys(policy.Write, "rsync deletes files")
		case t == "-e", strings.HasPrefix(t, "--rsh"), strings.HasPrefix(t, "--rsync-path"), strings.HasPrefix(t, "-e"), strings.HasPrefix(t, "--daemon"):
			c.is(policy.Dangerous, "rsync runs a program")
		case strings.Contains(t, ":") && !strings.HasPrefix(t, "-"):
			c.is(policy.Dangerous, "rsync sends files to another host or gets them from there")
		case !strings.HasPrefix(t, "-"):
			c.reads(a)
		case !a.known:
			c.unknown("options of rsync are only known when it runs")
		}
	}
	if rest := operands(c.args, nil); len(rest) > 1 {
		c.touches(rest[len(rest)-1])
	}
}

// dryRun reports whether rsync only says what it would do, between local trees.
func (c *call) dryRun() bool {
	dry := false
	for _, a := range c.args {
		t := a.text
		short := strings.HasPrefix(t, "-") && !strings.HasPrefix(t, "--")
		switch {
		case !a.known, strings.Contains(t, ":"), short && strings.Contains(t, "e"), strings.HasPrefix(t, "--rsh"), strings.HasPrefix(t, "--rsync-path"), strings.HasPrefix(t, "--log-file"), strings.HasPrefix(t, "--write-batch"), strings.HasPrefix(t, "--daemon"):
			return false
		case t == "--dry-run", short && strings.Contains(t, "n"):
			dry = true
		}
	}
	return dry
}

func (c *call) unzip() {
	options, _ := c.split("dxP", nil, false)
	if has(options, "-l", "-v", "-Z", "-t", "-z") {
		return
	}
	if has(options, "-p", "-c") {
		c.s.j.unseen = true
		return
	}
	c.is(policy.Write, "unpacks files")
	for _, d := range options["-d"] {
		c.touches(known(strings.TrimSuffix(d.text, "/") + "/x"))
	}
}

// compress is gzip and the like: they replace the file, unless they only show it.
func (c *call) compress() {
	options, rest := c.split("STb", []string{"--suffix", "--threads"}, false)
	for _, a := range rest {
		c.reads(a)
	}
	if len(rest) == 0 || has(options, "-c", "-l", "-t", "--stdout", "--to-stdout", "--list", "--test") {
		return
	}
	c.is(policy.Write, "")
	for _, a := range rest {
		c.touches(a)
	}
}

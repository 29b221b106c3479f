package shellfacts

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/policy"
)

const (
	policyDangerous = policy.Dangerous
)

// runs is a program that runs the command after its options and some operands.
func runs(shorts string, operands int, longs ...string) func(*call) {
	return func(c *call) {
		_, rest := c.split(shorts, longs, true)
		if len(rest) <= operands {
			return
		}
		c.then(rest[operands:], c.in)
	}
}

func (c *call) sudo() {
	if len(c.args) == 1 && (c.args[0].text == "-V" || c.args[0].text == "-h") {
		return
	}
	options, rest := c.split("ugphCrtTUDRc", []string{"--user", "--group", "--prompt", "--host", "--close-from", "--role", "--type", "--other-user", "--chdir", "--chroot", "--command-timeout"}, true)
	c.is(policy.Privilege, "runs as another user by sudo")
	if has(options, "-e", "--edit") {
		for _, a := range rest {
			c.touches(a)
		}
		return
	}
	if has(options, "-R", "--chroot") {
		c.is(policy.Dangerous, "changes the root directory")
	}
	for len(rest) > 0 && strings.Contains(rest[0].text, "=") && rest[0].known {
		c.setsVariable(rest[0].text)
		rest = rest[1:]
	}
	if len(rest) == 0 {
		if has(options, "-i", "-s", "--login", "--shell") {
			c.shellInput("a shell as another user")
		}
		return
	}
	c.then(rest, c.in)
}

// setsVariable accounts for NAME=VALUE among a program's arguments.
func (c *call) setsVariable(word string) {
	name, _, _ := strings.Cut(word, "=")
	if steering[name] || strings.HasPrefix(name, "GIT_CONFIG_") || strings.HasPrefix(name, "BASH_FUNC_") {
		c.is(policy.Dangerous, "sets "+name+", which decides what programs run")
	}
}

func (c *call) doas() {
	options, rest := c.split("uCcgGs", []string{"--user", "--group"}, true)
	c.is(policy.Privilege, "runs as another user by "+c.name)
	if v := options["-c"]; c.name == "runuser" && len(v) > 0 {
		c.text(v[0])
		return
	}
	if len(rest) > 0 {
		c.then(rest, c.in)
	} else if c.name == "doas" && has(options, "-s") {
		c.shellInput("a shell as another user")
	}
}

func (c *call) su() {
	options, rest := c.split("cgGsTw", []string{"--command", "--session-command", "--group", "--supp-group", "--shell", "--whitelist-environment"}, false)
	c.is(policy.Privilege, "becomes another user")
	text := slices.Concat(options["-c"], options["--command"], options["--session-command"])
	for i, a := range rest { // su user -c text: options may follow the user
		if a.text == "-c" && i+1 < len(rest) {
			text = append(text, rest[i+1])
		}
	}
	if len(text) == 0 {
		c.shellInput("a shell as another user")
		return
	}
	for _, t := range text {
		c.text(t)
	}
}

func (c *call) env() {
	options, rest := c.split("uCSP", []string{"--unset", "--chdir", "--split-string"}, true)
	for _, a := range slices.Concat(options["-S"], options["--split-string"]) {
		c.text(a)
		if len(rest) == 0 {
			return
		}
	}
	for len(rest) > 0 && (strings.Contains(rest[0].text, "=") || rest[0].text == "-") {
		c.setsVariable(rest[0].text)
		rest = rest[1:]
	}
	if len(rest) == 0 {
		if !has(options, "-i", "--ignore-environment") {
			c.is(policy.Privilege, "prints the environment, where credentials are kept")
		}
		return
	}
	c.then(rest, c.in)
}

func (c *call) printenv() {
	_, rest := c.split("", nil, false)
	if len(rest) == 0 {
		c.is(policy.Privilege, "prints the environment, where credentials are kept")
	}
	for _, a := range rest {
		if !a.known || secretVariable(a.text) {
			c.is(policy.Privilege, "prints a variable that looks like a credential")
		}
	}
}

func (c *call) time() {
	options, rest := c.split("fo", []string{"--format", "--output"}, true)
	if v := slices.Concat(options["-o"], options["--output"]); len(v) > 0 {
		c.s.written(v[0], has(options, "-a", "--append"))
	}
	if len(rest) > 0 {
		c.then(rest, c.in)
	}
}

// watch gives its words to sh -c, unless told not to.
func (c *call) watch() {
	options, rest := c.split("nsq", []string{"--interval", "--equexit", "--shotsdir"}, true)
	if has(options, "-x", "--exec") {
		c.then(rest, feed{set: true})
		return
	}
	c.words(rest)
}

// words judges words that a shell reads again as one text.
func (c *call) words(args []arg) {
	var texts []string
	for _, a := range args {
		if !a.known || a.many {
			c.unknown("a command of " + c.name + " is only known when it runs")
			return
		}
		texts = append(texts, a.text)
	}
	c.text(known(strings.Join(texts, " ")))
}

// text judges a text that a shell of its own runs.
func (c *call) text(a arg) {
	if !a.known || a.many || a.data {
		c.unknown("a command of " + c.name + " is only known when it runs")
		if looksDestructive(a.text) {
			c.destroys(policy.Unknown, "it looks like a deletion")
		}
		return
	}
	inner := newScope(c.s.j)
	for name := range c.s.vars { // they may be exported
		inner.vars[name] = c.s.vars[name]
	}
	if strings.TrimSpace(a.text) == "" {
		return
	}
	c.s.j.script(inner, a.text)
}

func (c *call) taskset() {
	options, rest := c.split("", nil, true)
	if has(options, "-p", "--pid") {
		c.is(policy.Write, "changes where a process runs")
		return
	}
	if len(rest) > 1 {
		c.then(rest[1:], c.in)
	}
}

func (c *call) flock() {
	_, rest := c.split("wE", []string{"--wait", "--timeout", "--conflict-exit-code"}, true)
	if len(rest) < 2 {
		return
	}
	c.touches(rest[0])
	if rest[1].text == "-c" || rest[1].text == "--command" {
		c.words(rest[2:])
		return
	}
	c.then(rest[1:], c.in)
}

func (c *call) xargs() {
	options, rest := c.split("aEeIiLlnPsd", []string{"--arg-file", "--delimiter", "--max-args", "--max-procs", "--max-chars", "--max-lines", "--replace", "--process-slot-var"}, true)
	if v := slices.Concat(options["-a"], options["--arg-file"]); len(v) > 0 {
		c.reads(v[0])
	}
	if len(rest) == 0 {
		return // it is echo then
	}
	if c.in.known && !has(options, "-I", "-i", "--replace", "-d", "--delimiter") {
		more := []arg{}
		for _, f := range strings.Fields(c.in.text) {
			more = append(more, known(f))
		}
		c.then(slices.Concat(rest, more), feed{set: true})
		return
	}
	mark := ""
	for _, v := range slices.Concat(options["-I"], options["-i"], options["--replace"]) {
		if mark = v.text; mark == "" {
			mark = "{}"
		}
	}
	c.then(filled(rest, mark), feed{set: true})
}

// filled puts what is not known in place of the mark, or at the end.
func filled(args []arg, mark string) []arg {
	some := arg{many: true, data: true}
	if mark == "" {
		return append(slices.Clone(args), some)
	}
	out := slices.Clone(args)
	for i, a := range out {
		if before, _, ok := strings.Cut(a.text, mark); ok {
			out[i] = arg{text: before, data: true, many: i == 0}
		}
	}
	return out
}

func (c *call) parallel() {
	_, rest := c.split("jINnaS", []string{"--jobs", "--arg-file", "--colsep", "--delay", "--timeout", "--results", "--joblog", "--sshlogin"}, true)
	if len(rest) == 0 {
		c.unknown("parallel runs what its input says")
		return
	}
	for i, a := range rest {
		if a.text == ":::" || a.text == "::::" {
			rest = rest[:i]
			break
		}
	}
	if len(rest) == 0 {
		c.unknown("parallel runs what its arguments say")
		return
	}
	c.then(append(filled(rest, "{}"), arg{many: true, data: true}), feed{set: true})
}

func (c *call) commandBuiltin() {
	options, rest := c.split("", nil, true)
	if len(rest) > 0 && !has(options, "-v", "-V") {
		c.then(rest, c.in)
	}
}

// container runs a command in namespaces or a root of its own.
func (c *call) container() {
	c.is(policy.Dangerous, c.name+" changes the root or the namespaces of a program")
	_, rest := c.split("tSGrw", []string{"--target", "--root", "--wd", "--reuid", "--regid", "--userspec", "--groups"}, true)
	if c.name == "chroot" && len(rest) > 0 {
		rest = rest[1:]
	}
	if len(rest) > 0 {
		c.then(rest, c.in)
	}
}

func (c *call) traced() {
	c.is(policy.Dangerous, c.name+" looks into and steers other programs")
	_, rest := c.split("eopsSuEaPIOXCxb", nil, true)
	if c.name == "strace" && len(rest) > 0 {
		c.then(rest, c.in)
	}
}

func (c *call) scriptProgram() {
	options, _ := c.split("cEIOBTom", []string{"--command", "--log-io", "--log-out", "--log-in"}, false)
	c.is(policy.Write, "script writes what is shown to a file")
	texts := slices.Concat(options["-c"], options["--command"])
	for _, t := range texts {
		c.text(t)
	}
	if len(texts) == 0 {
		c.shellInput("a shell")
	}
}

func (c *call) numactl() {
	_, rest := c.split("NmicCpl", []string{"--cpunodebind", "--membind", "--interleave", "--physcpubind", "--localalloc", "--preferred"}, true)
	if len(rest) > 0 {
		c.then(rest, c.in)
	}
}

// jq cannot run programs, but it can show the environment.
func (c *call) jq() {
	for _, a := range c.args {
		if slices.Contains(strings.FieldsFunc(a.text, func(r rune) bool { return !strings.ContainsRune(wordBytes+"$", r) }), "env") || strings.Contains(a.text, "$ENV") {
			c.is(policy.Privilege, "reads the environment, where credentials are kept")
		}
	}
	table()["jq"].judge(c)
}

package shellfacts

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

func (c *call) trap() {
	_, rest := c.split("", nil, true)
	if len(rest) > 1 && rest[0].text != "-" {
		c.text(rest[0])
	}
}

func (c *call) eval() {
	_, rest := c.split("", nil, true)
	if len(rest) == 0 {
		return
	}
	var texts []string
	for _, a := range rest {
		if !a.known || a.many {
			c.unknown("eval runs a text that is only known when it runs")
			return
		}
		texts = append(texts, a.text)
	}
	if text := strings.Join(texts, " "); strings.TrimSpace(text) != "" {
		c.s.j.script(c.s, text)
	}
}

func (c *call) source() {
	if len(c.args) == 0 {
		return
	}
	if from := c.args[0].from; from != nil {
		c.piped(c.s.fed(from))
		return
	}
	c.unknown("runs a file whose contents are not in the text")
}

// alias judges what the name would stand for: some shells expand it.
func (c *call) alias() {
	for _, a := range c.args {
		if _, text, ok := strings.Cut(a.text, "="); ok || !a.known {
			c.text(arg{text: text, known: a.known})
		}
	}
}

func (c *call) enable() {
	options, _ := c.split("f", nil, false)
	if has(options, "-f") {
		c.is(policy.Dangerous, "loads a library into the shell")
	}
}

// tests refuses comparisons that evaluate a variable which holds a command.
func (s *scope) tests(args []arg) {
	for _, a := range args {
		if s.j.armed && (a.text == "-v" || a.text == "-eq" || a.text == "-ne" || a.text == "-lt" || a.text == "-gt") {
			s.j.raise(policy.Unknown, "evaluates a variable that holds a command")
		}
	}
}

func (c *call) read() {
	options, rest := c.split("adinNptu", nil, false)
	for _, a := range slices.Concat(rest, options["-a"]) {
		if a.known && syntax.ValidName(a.text) {
			c.s.forget(a.text)
		} else {
			c.unknown("sets a variable whose name is only known when it runs")
		}
	}
	c.s.forget("REPLY")
}

func (c *call) unset() {
	for _, a := range c.args {
		if a.text == "IFS" {
			c.s.ifs = true
		}
		c.s.vars[a.text] = value{}
		if a.text == "-f" {
			c.s.j.raise(policy.Write, "forgets a function")
		}
	}
}

func (c *call) printf() {
	options, rest := c.split("v", nil, true)
	for _, v := range options["-v"] {
		c.s.forget(v.text)
		if c.s.j.armed || !syntax.ValidName(v.text) {
			c.unknown("sets a variable whose name is only known when it runs")
		}
	}
	_ = rest
}

func (c *call) set() {
	if len(c.args) == 0 {
		c.is(policy.Privilege, "prints the variables, where credentials are kept")
	}
}

// cd remembers where a relative path will be.
func (c *call) cd() {
	_, rest := c.split("", nil, false)
	v := value{}
	switch {
	case len(rest) == 0 && c.name == "cd":
		v = value{text: "~", known: true}
	case len(rest) == 1 && rest[0].known && !rest[0].glob && rest[0].text != "-":
		v = value{text: c.at(rest[0]).text, known: true}
	}
	c.s.vars["PWD"] = v
}

func (c *call) jobs() {
	if len(c.args) > 1 && c.args[0].text == "-x" {
		c.then(c.args[1:], c.in)
	}
}

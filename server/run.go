package server

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// runDeclared runs a declared command with its parameters, or with --dry-run says
// what would run.
func (c *call) runDeclared() error {
	ask, err := c.ask()
	if err != nil {
		return err
	}
	var words []string
	for _, w := range c.operands[1:] {
		words = append(words, shellWord(w.text))
	}
	text := strings.Join(words, " ")
	s, err := c.v.Open(c.ctx, c.operand(0), policy.ActionExec, session.Screen{Term: c.a.term})
	if err != nil {
		return err
	}
	defer s.Close() // its error is nil by contract
	argv, err := s.Plan(c.ctx, text)
	if err != nil {
		return err
	}
	switch {
	case c.flags["--dry-run"] == "":
	case c.flags["--json"] != "":
		return c.json(struct {
			Argv []string `json:"argv"`
		}{argv})
	default:
		for i, a := range argv {
			argv[i] = shellWord(a)
		}
		fmt.Fprintln(c.out, widget.Escape(strings.Join(argv, " ")))
		return nil
	}
	out, errs, end := c.streams()
	exit, err := s.Exec(c.ctx, text, ask, connectors.Stdio{In: c.a.stdin(), Out: out, Err: errs})
	return end(exit, err)
}

// shellWord is a word as a POSIX shell needs it to read it as one.
func shellWord(w string) string {
	plain := w != "" && !strings.ContainsFunc(w, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,=", r))
	})
	if plain {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

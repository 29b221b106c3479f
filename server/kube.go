package server

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// kubeVerb is kubectl's words over the gate.
func kubeVerb(ask func(map[string]string) map[string]string) verb {
	return verb{name: "kube", usage: "kube [--reason TEXT] [--wait DURATION] [--raw|--json] CLUSTER -- get pods -n NAMESPACE", need: 2, free: 1, flags: ask(map[string]string{"--raw": "", "--json": ""}), lead: "--json", run: (*call).kube,
		help: "kubectl's words without kubectl: get, describe, logs, events, exec, apply -f -, delete, scale, rollout, port-forward and more, each request judged by itself"}
}

// kube runs a line of kubectl. What it shows is text in which nothing can drive a
// terminal, but for what a program in a container or behind a port writes, which is
// exact.
func (c *call) kube() error {
	ask, err := c.ask()
	if err != nil {
		return err
	}
	var words []string
	for _, w := range c.operands[1:] {
		words = append(words, w.text)
	}
	verb, tty := kubeWords(words)
	if tty && c.flags["--json"] != "" {
		return usageError("--json is for what runs without a terminal: leave out -t")
	}
	if tty {
		return c.kubeTerminal(words)
	}
	action := policy.ActionKubernetes
	if verb == "port-forward" {
		action = policy.ActionForward
	}
	s, err := c.v.Open(c.ctx, c.operand(0), action, session.Screen{Term: c.a.term})
	if err != nil {
		return err
	}
	defer s.Close() // its error is nil by contract
	out, errs, end := c.streams()
	t := connectors.Terminal{Stdio: connectors.Stdio{In: c.a.stdin(), Out: out, Err: errs}}
	if !exact[verb] && c.flags["--json"] == "" {
		errs := &plainText{w: c.err}
		t.Stdio.Err = errs
		if c.flags["--raw"] == "" {
			out := &plainText{w: c.out}
			t.Stdio.Out = out
			defer out.flush()
		}
		defer errs.flush()
	}
	exit, err := s.Command(c.ctx, words, ask, t)
	return end(exit, lineWords(err))
}

// exact are the verbs whose streams are a program's.
var exact = map[string]bool{"exec": true, "attach": true, "port-forward": true}

// kubeTerminal attaches the terminal to what the line runs, as shell does; a reason
// is asked for there.
func (c *call) kubeTerminal(words []string) error {
	if !c.a.tty {
		return usageError("a terminal needs one here: ssh -t " + c.a.s.o.Reach + " kube ...")
	}
	s, err := c.v.Open(c.a.ctx, c.operand(0), policy.ActionShell, session.Screen{Term: c.a.term, Width: c.a.size.Width, Height: c.a.size.Height})
	if err != nil {
		return err
	}
	defer s.Close() // its error is nil by contract
	exit, err := c.a.shell(s, words)
	if err == nil && s.Err() != nil {
		err = s.Err()
	}
	if err != nil {
		return lineWords(err)
	}
	return exited(exit)
}

// kubeWords is the verb of a line, and whether it is to have the terminal. It is "" where
// an option stands before the verb, but for the namespace's: its value could be taken for
// the verb.
func kubeWords(words []string) (verb string, tty bool) {
	if len(words) > 0 && words[0] == "kubectl" {
		words = words[1:]
	}
	if i := slices.Index(words, "--"); i >= 0 {
		words = words[:i]
	}
	for len(words) > 0 {
		if words[0] == "-n" || words[0] == "--namespace" {
			words = words[min(2, len(words)):]
		} else if strings.HasPrefix(words[0], "-n=") || strings.HasPrefix(words[0], "--namespace=") {
			words = words[1:]
		} else {
			break
		}
	}
	if len(words) == 0 || strings.HasPrefix(words[0], "-") {
		return "", false
	}
	verb = words[0]
	if verb != "exec" && verb != "attach" {
		return verb, false
	}
	return verb, slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"-t", "--tty", "-it", "-ti", "--tty=true"}, w) })
}

// lineWords makes a line that cannot be read an error of usage.
func lineWords(err error) error {
	var wrong *connectors.LineError
	if errors.As(err, &wrong) {
		return usageError(wrong.Text)
	}
	return err
}

// plainText escapes what could drive a terminal on its way to w, whatever the
// pieces in which it comes.
type plainText struct {
	w    io.Writer
	tail []byte // a character that has not come whole
}

func (p *plainText) Write(b []byte) (int, error) {
	all := append(p.tail, b...)
	n := whole(all)
	if _, err := io.WriteString(p.w, widget.EscapeLines(string(all[:n]))); err != nil {
		return 0, fmt.Errorf("write answer: %w", err)
	}
	p.tail = append([]byte(nil), all[n:]...)
	return len(b), nil
}

// flush writes the beginning of a character that never came whole.
func (p *plainText) flush() {
	_, _ = io.WriteString(p.w, widget.EscapeLines(string(p.tail))) // the requester may be gone
	p.tail = nil
}

// whole is how much of b ends with a whole character, or with bytes that are none.
func whole(b []byte) int {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}

package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// maxRequestBody bounds what is read from stdin for a request: no more is judged.
const maxRequestBody = 1 << 20

// httpVerb is the verb's entry in the list.
func httpVerb() verb {
	return verb{name: "http", usage: "http RESOURCE METHOD PATH [-H 'NAME: VALUE']... [--data TEXT|@-] [--include] [--json] [--raw] [--no-fail] [--reason TEXT] [--wait DURATION]",
		help: "send one request: its body to stdout, its status to stderr; a status of 400 and above is exit 1, with --no-fail 0",
		need: 3, flags: map[string]string{"-H": "header", "--data": "text", "--include": "", "--json": "", "--raw": "", "--no-fail": "", "--reason": "text", "--wait": "duration"},
		run: (*call).http}
}

func (c *call) http() error {
	text, err := c.requestText()
	if err != nil {
		return err
	}
	ask, err := c.ask()
	if err != nil {
		return err
	}
	s, err := c.v.Open(c.ctx, c.operand(0), policy.ActionHTTP, session.Screen{Term: c.a.term})
	if err != nil {
		return err
	}
	defer s.Close() // its error is nil by contract
	for _, w := range s.Warnings() {
		fmt.Fprintln(c.err, "warning: "+widget.Escape(w))
	}
	p := &printedReply{c: c, since: time.Now()}
	err = s.Request(c.ctx, text, ask, p)
	if ferr := p.end(); err == nil {
		err = ferr
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "HTTP %s, %s in %s\n", connectors.StatusText(p.status), several(p.size, "byte"), time.Since(p.since).Round(time.Millisecond))
	if p.status >= 400 && c.flags["--no-fail"] == "" {
		return exitError(exitTarget)
	}
	return nil
}

// requestText makes the request's text of the command line.
func (c *call) requestText() (string, error) {
	var b strings.Builder
	method, path := c.operand(1), c.operand(2)
	if len(c.operands) > 3 {
		return "", usageError(fmt.Sprintf("%q is one word too many: quotes around what has spaces must reach the bastion: ssh %s \"http ... -H 'Accept: text/plain' --reason 'two words'\"",
			printable(c.operand(3)), c.a.s.o.Reach))
	}
	if strings.ContainsAny(method+path, " \r\n") {
		return "", usageError("method and path are one word each")
	}
	fmt.Fprintf(&b, "%s %s\n", method, path)
	for _, h := range c.all["-H"] {
		name, value, ok := strings.Cut(h, ":")
		if !ok || name == "" || strings.ContainsAny(h, "\r\n") || strings.TrimSpace(value) == "" {
			return "", usageError("-H needs 'Name: value', in quotes that reach the bastion, or without a space: -H Accept:text/plain")
		}
		fmt.Fprintf(&b, "%s: %s\n", name, strings.TrimSpace(value))
	}
	b.WriteString("\n")
	data := c.flags["--data"]
	if data == "@-" {
		in, err := io.ReadAll(io.LimitReader(c.a.stdin(), maxRequestBody+1))
		if err != nil {
			return "", fmt.Errorf("read body: %w", err)
		}
		if len(in) > maxRequestBody {
			return "", usageError("the body is longer than 1 MiB, the longest that is judged")
		}
		data = string(in)
	}
	b.WriteString(data)
	return b.String(), nil
}

// printedReply prints an answer as it comes.
type printedReply struct {
	c      *call
	since  time.Time
	status int
	fields []connectors.Field
	size   int64
	line   []byte // what is not printed yet
}

// maxLine is how much of a line is held back before it is printed; with --json, of
// an answer.
const (
	maxLine     = 64 << 10
	maxJSONBody = 32 << 20
)

// Head prints the head where it is asked for.
func (p *printedReply) Head(status int, fields []connectors.Field) error {
	p.status, p.fields = status, fields
	if p.c.flags["--include"] != "" && p.c.flags["--json"] == "" {
		_, err := io.WriteString(p.c.out, widget.EscapeLines(connectors.HeadText(status, fields)))
		return err
	}
	return nil
}

// Write prints lines as they come: escaped, unless it is raw.
func (p *printedReply) Write(b []byte) (int, error) {
	p.size += int64(len(b))
	switch {
	case p.c.flags["--json"] != "":
		if p.size > maxJSONBody {
			return 0, usageError(fmt.Sprintf("the body is longer than the %d MiB that --json can show: leave it out", maxJSONBody>>20))
		}
		p.line = append(p.line, b...)
		return len(b), nil
	case p.c.flags["--raw"] != "":
		return p.c.out.Write(b)
	}
	p.line = append(p.line, b...)
	cut := bytes.LastIndexByte(p.line, '\n') + 1
	if cut == 0 && len(p.line) > maxLine {
		for cut = len(p.line); cut > 0 && cut > len(p.line)-utf8.UTFMax && !utf8.RuneStart(p.line[cut-1]); cut-- {
		}
		cut--
	}
	if cut <= 0 {
		return len(b), nil
	}
	_, err := io.WriteString(p.c.out, widget.EscapeLines(string(p.line[:cut])))
	p.line = append(p.line[:0], p.line[cut:]...)
	return len(b), err
}

// end prints what is left.
func (p *printedReply) end() error {
	if p.status == 0 {
		return nil
	}
	if p.c.flags["--json"] == "" {
		_, err := io.WriteString(p.c.out, widget.EscapeLines(string(p.line)))
		return err
	}
	type field struct {
		Name   string `json:"name"`
		Value  string `json:"value"`
		Masked bool   `json:"masked,omitempty"`
	}
	out := struct {
		Status  int     `json:"status"`
		Text    string  `json:"status_text"`
		Headers []field `json:"headers"`
		Body    any     `json:"body"`
		Bytes   int64   `json:"bytes"`
		Millis  int64   `json:"milliseconds"`
	}{Status: p.status, Text: connectors.StatusText(p.status), Headers: []field{}, Body: string(p.line), Bytes: p.size, Millis: time.Since(p.since).Milliseconds()}
	for _, f := range p.fields {
		out.Headers = append(out.Headers, field{f.Name, f.Value, f.Masked})
	}
	if json.Valid(p.line) && utf8.Valid(p.line) {
		out.Body = json.RawMessage(p.line)
	}
	return p.c.json(out)
}

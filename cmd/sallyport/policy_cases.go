package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// caseFile is a file of cases that a policy must hold to.
type caseFile struct {
	// Config is the configuration that is tried, relative to this file; --config
	// goes before it.
	Config string       `yaml:"config"`
	Cases  []policyCase `yaml:"cases"`
}

// policyCase is one: somebody asks for something, and what must come of it. It is
// judged from the text alone.
type policyCase struct {
	// Name is what a reader knows the case by. Required.
	Name string `yaml:"name"`
	// As is who asks, by e-mail; with Groups and Claims (one value or a list of them).
	As     string         `yaml:"as"`
	Groups []string       `yaml:"groups"`
	Claims map[string]any `yaml:"claims"`
	// From is the address, At the time (2026-01-31T15:04:05Z; default: now).
	From string `yaml:"from"`
	At   string `yaml:"at"`
	// On is the resource. Required, with one of what follows.
	On         string `yaml:"on"`
	SQL        string `yaml:"sql"`
	Exec       string `yaml:"exec"`
	HTTP       string `yaml:"http"`
	Kubernetes string `yaml:"kubernetes"`
	File       string `yaml:"file"` // read /var/log/app.log, rename /a to /b
	Shell      bool   `yaml:"shell"`
	// Expect is allow, deny or approve. Required.
	Expect string `yaml:"expect"`
	// What follows is compared where it is given. Rule decides; Class and Destructive
	// are found; each of Masks is a column pattern that is masked for this person,
	// none where the list is empty; Because is part of the reason.
	Rule        string    `yaml:"rule"`
	Class       string    `yaml:"class"`
	Destructive *bool     `yaml:"destructive"`
	Masks       *[]string `yaml:"masks"`
	Because     string    `yaml:"because"`
}

// runPolicyTest tries files of cases.
func runPolicyTest(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("policy test", io)
	path := f.String("config", "", "the configuration, in place of the one that a file names")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return &usageError{"usage: sallyport policy test [--config FILE] CASES...", ""}
	}
	t := caseTester{ctx: ctx, io: io, config: *path, policies: map[string]*offline{}}
	defer func() {
		for _, o := range t.policies {
			err = errors.Join(err, o.close())
		}
	}()
	for _, file := range f.Args() {
		if err := t.file(file); err != nil {
			return err
		}
	}
	fmt.Fprintf(io.out, "%d passed, %d failed\n", t.passed, t.failed)
	switch {
	case t.failed > 0:
		return errFound
	case t.passed == 0:
		return errors.New("there are no cases: a test that tries nothing proves nothing")
	}
	return nil
}

type caseTester struct {
	ctx            context.Context
	io             stdio
	config         string
	policies       map[string]*offline // by path
	passed, failed int
}

func (t *caseTester) file(name string) error {
	cases, lines, err := readCases(name)
	if err != nil {
		return err
	}
	path := t.config
	if path == "" {
		if path = cases.Config; path == "" {
			return &usageError{name + " names no config", "write config: FILE into it, or give --config FILE"}
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(name), path)
		}
	}
	o := t.policies[path]
	if o == nil {
		if o, err = newOffline(path); err != nil {
			return err
		}
		t.policies[path] = o
	}
	for i, c := range cases.Cases {
		wrong, err := c.try(t.ctx, o)
		if err != nil {
			return fmt.Errorf("%s:%d: %s: %w", name, lines[i], c.Name, err)
		}
		if len(wrong) == 0 {
			t.passed++
			continue
		}
		t.failed++
		for _, w := range wrong {
			fmt.Fprintf(t.io.out, "%s:%d: %s: %s\n", widget.Escape(name), lines[i], widget.Escape(c.Name), widget.Escape(w))
		}
	}
	return nil
}

// maxCases bounds a file of cases, in bytes.
const maxCases = 4 << 20

// readCases reads a file and the lines on which its cases begin. An unknown key is
// an error.
func readCases(name string) (caseFile, []int, error) {
	var out caseFile
	data, err := os.ReadFile(name)
	if err != nil {
		return out, nil, fmt.Errorf("read cases: %w", err)
	}
	if len(data) > maxCases {
		return out, nil, fmt.Errorf("read cases: %q is larger than %d MiB", name, maxCases>>20)
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&out); err != nil {
		return out, nil, fmt.Errorf("%s: %s", name, plainYAML(err))
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return out, nil, fmt.Errorf("%s: %s", name, plainYAML(err))
	}
	lines := make([]int, len(out.Cases))
	for i := range lines {
		at, err := yaml.PathString(fmt.Sprintf("$.cases[%d]", i))
		if err != nil {
			return out, nil, fmt.Errorf("%s: %w", name, err)
		}
		node, err := at.FilterFile(tree)
		if err != nil {
			return out, nil, fmt.Errorf("%s: %w", name, err)
		}
		lines[i] = node.GetToken().Position.Line
	}
	return out, lines, nil
}

// plainYAML is the library's error with its place and without its excerpt.
func plainYAML(err error) string {
	var at yaml.Error
	if errors.As(err, &at) {
		if t := at.GetToken(); t != nil && t.Position != nil {
			return fmt.Sprintf("line %d: %s", t.Position.Line, at.GetMessage())
		}
		return at.GetMessage()
	}
	return err.Error()
}

// try judges the case and returns what is not as it should be. Its error is about
// the case itself.
func (c policyCase) try(ctx context.Context, o *offline) (wrong []string, err error) {
	q, err := c.question()
	if err != nil {
		return nil, err
	}
	y, err := o.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	d := y.Decision
	say := func(what, want, got string) {
		wrong = append(wrong, fmt.Sprintf("%s is %s, want %s (rule %s: %s)", what, got, want, d.Rule, d.Reason))
	}
	if got := d.Effect.String(); got != c.Expect {
		say("decision", c.Expect, got)
	}
	if c.Rule != "" && c.Rule != d.Rule {
		say("rule", c.Rule, d.Rule)
	}
	if got := y.Facts.Class.String(); c.Class != "" && c.Class != got {
		say("class", c.Class, got)
	}
	if c.Destructive != nil && *c.Destructive != y.Facts.Destructive {
		say("destructive", fmt.Sprint(*c.Destructive), fmt.Sprint(y.Facts.Destructive))
	}
	if c.Because != "" && !strings.Contains(d.Reason, c.Because) {
		say("the reason", fmt.Sprintf("one with %q", c.Because), "another")
	}
	if c.Masks != nil {
		if w := c.masks(y); w != "" {
			wrong = append(wrong, w)
		}
	}
	return wrong, nil
}

// masks compares what is masked, "" for as it should be.
func (c policyCase) masks(y session.Why) string {
	var got []string
	for _, m := range y.Masks.Seen {
		got = append(got, m.What())
	}
	if len(*c.Masks) == 0 && len(got) > 0 {
		return "masked is " + strings.Join(got, ", ") + ", want nothing"
	}
	for _, m := range *c.Masks {
		if !slices.Contains(got, m) {
			return m + " is not masked; masked is " + strings.Join(got, ", ")
		}
	}
	return ""
}

// question is what the case asks.
func (c policyCase) question() (question, error) {
	q := question{who: person(c.As, c.Groups), on: c.On, from: c.From, at: time.Now()}
	var kinds []string
	for _, k := range []struct {
		action policy.Action
		is     bool
		text   string
	}{
		{policy.ActionSQL, c.SQL != "", c.SQL}, {policy.ActionExec, c.Exec != "", c.Exec}, {policy.ActionHTTP, c.HTTP != "", c.HTTP},
		{policy.ActionKubernetes, c.Kubernetes != "", c.Kubernetes}, {policy.ActionFile, c.File != "", c.File}, {policy.ActionShell, c.Shell, ""},
	} {
		if k.is {
			kinds = append(kinds, string(k.action))
			q.action, q.text = k.action, k.text
		}
	}
	switch {
	case c.Name == "" || c.As == "" || c.On == "":
		return q, errors.New("a case needs name, as and on")
	case len(kinds) != 1:
		return q, errors.New("a case asks for one of sql, exec, http, kubernetes, file, shell")
	case !slices.Contains([]string{"allow", "deny", "approve"}, c.Expect):
		return q, fmt.Errorf("expect is %q: one of allow, deny, approve", c.Expect)
	}
	if c.Class != "" {
		if _, err := policy.ParseClass(c.Class); err != nil {
			return q, err
		}
	}
	if c.At != "" {
		var err error
		if q.at, err = time.Parse(time.RFC3339, c.At); err != nil {
			return q, fmt.Errorf("at is %q: a time such as 2026-01-31T15:04:05Z", c.At)
		}
	}
	for name, v := range c.Claims {
		if q.who.Claims == nil {
			q.who.Claims = map[string][]string{}
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			q.who.Claims[name] = append(q.who.Claims[name], fmt.Sprint(e))
		}
	}
	return q, nil
}

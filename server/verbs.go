package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// verbs is the literal list. It is a function because help lists it.
func verbs() []verb {
	json := map[string]string{"--json": ""}
	ask := func(m map[string]string) map[string]string {
		m["--reason"], m["--wait"] = "text", "duration"
		return m
	}
	return []verb{
		{name: "ls", usage: "ls [--json]", help: "the resources you may open", flags: json, run: (*call).ls},
		{name: "sql", usage: "sql RESOURCE 'STATEMENT' [--json|--csv] [--raw] [--unmask COLUMN,...] [--reason TEXT] [--wait DURATION]",
			help: "run one statement; --unmask asks to see these masked columns of its answer in clear",
			need: 2, free: 1, flags: ask(map[string]string{"--json": "", "--csv": "", "--raw": "", "--unmask": "columns"}), run: (*call).sql},
		{name: "exec", usage: "exec [--json] [--reason TEXT] [--wait DURATION] HOST -- COMMAND", help: "run one command; its exit code is yours",
			need: 2, free: 1, flags: ask(map[string]string{"--json": ""}), lead: "--json", run: (*call).exec},
		{name: "run", usage: "run COMMAND [NAME=VALUE ...] [--dry-run] [--json] [--reason TEXT] [--wait DURATION]", help: "run a declared command; --dry-run says what would run",
			need: 1, flags: ask(map[string]string{"--dry-run": "", "--json": ""}), run: (*call).runDeclared},
		httpVerb(),
		{name: "shell", usage: "shell HOST", help: "a shell on a host (needs ssh -t)", need: 1, flags: map[string]string{}, run: (*call).shell},
		kubeVerb(ask),
		{name: "why", usage: "why RESOURCE 'STATEMENT' [--json] | why HOST [--shell | -- COMMAND] | why HOST --file -- read /PATH", help: "what would be done with it, by which rule, and what is missing; nothing runs",
			need: 1, free: 1, flags: map[string]string{"--json": "", "--shell": "", "--file": ""}, run: (*call).why},
		{name: "approvals", usage: "approvals [--json] [--all]", help: "what waits for you, and what you wait for",
			flags: map[string]string{"--json": "", "--all": ""}, run: (*call).approvals},
		{name: "approve", usage: "approve ID [--comment TEXT] [--json]", help: "say yes to exactly what `approvals` shows", need: 1,
			flags: map[string]string{"--comment": "text", "--json": ""}, run: func(c *call) error { return c.vote(true) }},
		{name: "deny", usage: "deny ID [--comment TEXT] [--json]", help: "say no", need: 1,
			flags: map[string]string{"--comment": "text", "--json": ""}, run: func(c *call) error { return c.vote(false) }},
		{name: "transcripts", usage: "transcripts [--limit N] [--json] | transcripts search WORDS [--person P] [--resource R] [--kind K] [--label L=V] [--since 2d] [--until T]\n" +
			"      [--what statement|command|input|output|answer|note|gate] [--verdict V] [--rule R] [--destructive] [--limit N] [--reason TEXT] [--json]",
			help: "the transcripts you may see, or where words stand in them", flags: searchFlags(), run: (*call).transcripts},
		{name: "replay", usage: "replay ID[@EVENT|@MM:SS] [--screen] [--json] [--export text|asciicast|cast2|operations|bundle] [--reason TEXT]", need: 1,
			help: "what happened in one, in order, from there on; its screen at that moment; or all of it, for use elsewhere", flags: map[string]string{"--json": "", "--screen": "", "--export": "format", "--reason": "text"}, run: (*call).replay},
		{name: "sessions", usage: "sessions [--json]", help: "the sessions that go on now and that you may see", flags: json, run: (*call).sessions},
		{name: "watch", usage: "watch ID [--all] [--json] [--reason TEXT]", help: "follow a live session; --all from its start", need: 1,
			flags: map[string]string{"--json": "", "--all": "", "--reason": "text"}, run: (*call).watch},
		{name: "end", usage: "end ID [--reason TEXT] [--json]", help: "end a live session: your own, or another's where a role of yours says end_sessions", need: 1,
			flags: map[string]string{"--reason": "text", "--json": ""}, run: (*call).end},
		{name: "hold", usage: "hold ID --reason TEXT [--release] [--json]", help: "for administrators: keep a transcript from retention, or end that", need: 1,
			flags: map[string]string{"--reason": "text", "--release": "", "--json": ""}, run: (*call).hold},
		{name: "policy", usage: "policy replay [--since 30d] [--policy - < FILE] [--json]", help: "for administrators: what that configuration would have decided on what was done",
			need: 1, flags: map[string]string{"--since": "duration", "--policy": "-", "--json": ""}, run: (*call).policyVerb},
		{name: "keys", usage: "keys [--json]", help: "the SSH keys that open the door for you", flags: json, run: (*call).keys},
		{name: "whoami", usage: "whoami [--json]", help: "who you are here", flags: json, run: (*call).whoami},
		{name: "logout", usage: "logout [--json]", help: "forget this SSH key, and end what is open by it", flags: json, run: (*call).logout},
		{name: "help", usage: "help [VERB|KIND|TOPIC|codes] [--json]", help: "this list, or more on one of it; so does VERB --help", flags: json, run: (*call).help},
	}
}

func (c *call) whoami() error {
	id := c.v.Identity()
	if c.flags["--json"] != "" {
		return c.json(struct {
			policy.Identity
			Key  string `json:"key,omitempty"`
			From string `json:"from"`
		}{id, c.a.c.fingerprint(), c.a.c.remote})
	}
	how := "signed in for this connection only"
	if id.Method == "key" {
		how = "by a remembered key"
	}
	claims := ""
	for _, name := range slices.Sorted(maps.Keys(id.Claims)) {
		claims += "claim " + widget.Escape(name) + ": " + widget.Escape(strings.Join(id.Claims[name], " ")) + "\n"
	}
	fmt.Fprintf(c.out, "%s (%s at %s)\ngroups: %s\n%skey: %s\n%s, from %s\n", widget.Escape(id.Display()), widget.Escape(id.Subject), widget.Escape(id.Issuer),
		widget.Escape(strings.Join(id.Groups, " ")), claims, orNone(c.a.c.fingerprint()), how, c.a.c.remote)
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (c *call) logout() error {
	key := c.a.c.fingerprint()
	if err := c.a.c.forget(c.ctx); err != nil {
		return err
	}
	fmt.Fprintln(c.err, "signed out; this key is forgotten")
	return c.done(struct {
		Forgotten string `json:"forgotten"`
	}{key})
}

func (c *call) keys() error {
	all, err := c.a.s.o.Keys.List(c.ctx)
	if err != nil {
		return err
	}
	mine := slices.DeleteFunc(all, func(k identityKey) bool { return !k.Identity.Same(c.v.Identity()) })
	if c.flags["--json"] != "" {
		return c.json(mine)
	}
	c.none(len(mine), "no key opens the door for you")
	for _, k := range mine {
		fmt.Fprintf(c.out, "%s  until %s  from %s\n", k.Fingerprint, k.Expires.UTC().Format(time.RFC3339), widget.Escape(k.From))
	}
	return nil
}

func (c *call) ls() error {
	list, err := c.v.Resources(c.ctx)
	if err != nil {
		return err
	}
	if c.flags["--json"] != "" {
		type row struct {
			Name        string            `json:"name"`
			Kind        string            `json:"kind"`
			Labels      map[string]string `json:"labels,omitempty"`
			Description string            `json:"description,omitempty"`
			Unavailable string            `json:"unavailable,omitempty"`
		}
		rows := []row{}
		for _, l := range list {
			rows = append(rows, row{l.Name, l.Kind, l.Labels, l.Description, l.Unavailable})
		}
		return c.json(rows)
	}
	wide := 16 // of the column of names, as long as that leaves room for the rest
	for _, l := range list {
		if n := widget.Width(widget.Escape(l.Name)); n <= 48 {
			wide = max(wide, n)
		}
	}
	for _, l := range list {
		note := l.Description
		if l.Unavailable != "" {
			note = "unavailable: " + l.Unavailable
		}
		fmt.Fprintln(c.out, strings.TrimRight(fmt.Sprintf("%-*s %-10s %s", wide, widget.Escape(l.Name), l.Kind, widget.Escape(note)), " "))
	}
	if len(list) == 0 {
		fmt.Fprintf(c.err, "nothing is open to you; the provider said you are in: %s\n", orNone(widget.Escape(strings.Join(c.v.Identity().Groups, " "))))
	}
	return nil
}

// ask reads how to ask for approval from the flags.
func (c *call) ask() (*session.Ask, error) {
	a := &session.Ask{Reason: c.flags["--reason"]}
	if w, ok := c.flags["--wait"]; ok {
		d, err := time.ParseDuration(w)
		if w == "0" {
			d, err = 0, nil
		}
		if err != nil || d < 0 {
			return nil, usageError("--wait needs a duration such as 10m, or 0")
		}
		if a.Wait = d; d == 0 {
			a.Wait = -1
		}
	}
	for c := range strings.SplitSeq(c.flags["--unmask"], ",") {
		if c = strings.TrimSpace(c); c != "" {
			a.Unmask = append(a.Unmask, c)
		}
	}
	if _, ok := c.flags["--unmask"]; ok && len(a.Unmask) == 0 {
		return nil, usageError("--unmask needs the columns: email,phone")
	}
	a.Waiting = func(p policy.Approval) {
		fmt.Fprintf(c.err, "needs approval: request %s, rule %s, from %s%s\n", p.ID, widget.Escape(p.Rule), widget.Escape(strings.Join(p.Approvers, " or ")), wantsBesides("; ", p))
		if p.Why != "" {
			fmt.Fprintln(c.err, widget.Escape(p.Why))
		}
		if a.Wait >= 0 {
			fmt.Fprintf(c.err, "waiting until %s UTC (ctrl-c withdraws it)\n", p.Expires.UTC().Format(time.TimeOnly))
		}
	}
	return a, nil
}

func (c *call) sql() error {
	text, err := c.freeText(1)
	if err != nil {
		return usageError(err.Error())
	}
	ask, err := c.ask()
	if err != nil {
		return err
	}
	s, err := c.v.Open(c.ctx, c.operand(0), policy.ActionSQL, session.Screen{Term: c.a.term, Width: c.a.size.Width, Height: c.a.size.Height})
	if err != nil {
		return err
	}
	defer s.Close() // its error is nil by contract
	for _, w := range s.Warnings() {
		fmt.Fprintln(c.err, "warning: "+widget.Escape(w))
	}
	r, err := s.Run(c.ctx, text, ask)
	if err != nil {
		return err
	}
	defer r.Close() // its error is nil by contract
	return c.print(r)
}

func (c *call) exec() error {
	text, err := c.freeText(1)
	if err != nil {
		return usageError(err.Error())
	}
	ask, err := c.ask()
	if err != nil {
		return err
	}
	s, err := c.v.Open(c.ctx, c.operand(0), policy.ActionExec, session.Screen{Term: c.a.term})
	if err != nil {
		return err
	}
	defer s.Close() // its error is nil by contract
	out, errs, end := c.streams()
	exit, err := s.Exec(c.ctx, text, ask, connectors.Stdio{In: c.a.stdin(), Out: out, Err: errs, Lent: c.a.ch.lent()})
	return end(exit, err)
}

// exited passes the target's exit on; a signal is 128, as ssh has no other way.
func exited(e connectors.Exit) error {
	switch {
	case e.Signal != "":
		return exitError(128)
	case e.Code != 0:
		return exitError(e.Code)
	}
	return nil
}

func (c *call) shell() error {
	if !c.a.tty {
		return usageError("shell needs a terminal: ssh -t " + c.a.s.o.Reach + " shell HOST")
	}
	text, err := c.a.attach(c.operand(0), nil)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.err, text)
	return nil
}

func (c *call) approvals() error {
	list, err := c.v.Approvals(c.ctx)
	if err != nil {
		return err
	}
	if c.flags["--all"] == "" {
		list = slices.DeleteFunc(list, policy.Approval.Over)
	}
	if c.flags["--json"] != "" {
		return c.json(append([]policy.Approval{}, list...))
	}
	c.none(len(list), "nothing waits")
	for _, a := range list {
		fmt.Fprintf(c.out, "%s  %s  %s  %s  %s  %s  %s%s\n", a.ID, a.State, a.Created.UTC().Format(time.RFC3339),
			widget.Escape(a.Requester.Display()), widget.Escape(a.Resource.Name), oneLine(a.Statement), quoteReason(a.Reason), wantsBesides("  ", a))
	}
	return nil
}

// oneLine collapses white space and escapes the rest.
func oneLine(s string) string { return widget.Escape(strings.Join(strings.Fields(s), " ")) }

// wantsBesides says what else than the statement is asked for: masked columns, and what
// of the requester's the target is to use. "" for nothing.
func wantsBesides(before string, a policy.Approval) string {
	var out string
	if len(a.Cleartext) > 0 {
		out = before + "wants to see: " + widget.Escape(strings.Join(a.Cleartext, ", "))
	}
	if lent := a.Lent(); len(lent) > 0 {
		out += before + "lends the host: " + strings.Join(lent, " and ")
	}
	return out
}

func quoteReason(s string) string { return fmt.Sprintf("(%s)", oneLine(s)) }

func (c *call) vote(yes bool) error {
	a, err := c.v.Approval(c.ctx, c.operand(0))
	if err != nil {
		return refusedVote(err)
	}
	// What `approve` says yes to is what it prints; nobody can change it in between,
	// because the vote carries the hash.
	fmt.Fprintf(c.err, "%s asks on %s, because %s:\n%s%s\n", widget.Escape(a.Requester.Display()), widget.Escape(a.Resource.Name),
		widget.Escape(a.Reason), widget.EscapeLines(a.Statement), wantsBesides("\n", a))
	a, err = c.v.Vote(c.ctx, a.ID, a.Hash, yes, c.flags["--comment"])
	if err != nil {
		return refusedVote(err)
	}
	if c.flags["--json"] != "" {
		return c.json(a)
	}
	fmt.Fprintf(c.out, "%s  %s\n", a.ID, a.State)
	return nil
}

// refusedVote puts the reason why a vote did not count in a refusal.
func refusedVote(err error) error {
	if errors.Is(err, recorder.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	return &policy.Refusal{Reason: err.Error(), Hint: "`approvals` lists what waits for you"}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
)

// question is what is asked of a policy without a bastion: who asks what of which
// resource, when and from where.
type question struct {
	who    policy.Identity
	on     string
	action policy.Action // "": that of the resource's kind
	text   string
	from   string
	at     time.Time
}

// offline is a policy with what finds facts without targets. The caller closes it.
type offline struct {
	rules   session.Rules
	drivers []connectors.Driver
}

func newOffline(path string) (*offline, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	rules, err := server.JudgingRules(cfg)
	if err != nil {
		return nil, err
	}
	return &offline{rules: rules, drivers: all.Drivers(all.Options{})}, nil
}

func (o *offline) close() error { return all.Close(o.drivers) }

// ask answers a question from the text alone.
func (o *offline) ask(ctx context.Context, q question) (session.Why, error) {
	t, ok := o.rules.Targets[q.on]
	if !ok {
		var names []string
		for n := range o.rules.Targets {
			names = append(names, n)
		}
		slices.Sort(names)
		return session.Why{}, fmt.Errorf("no resource is named %q%s", q.on, policy.Suggest(q.on, names))
	}
	q.text = t.Spelled(q.action, q.text)
	if q.action == "" {
		q.action = t.DefaultAction(q.text)
	}
	op := connectors.Operation{Action: q.action, Text: q.text}
	if q.action != policy.ActionShell || q.text != "" {
		var err error
		if op.Facts, err = classifier(o.drivers)(ctx, t.Kind, q.action, q.text); err != nil {
			return session.Why{}, err
		}
	}
	y, err := session.Explain(&o.rules, policy.Request{Identity: q.who, Resource: t.Resource, Action: q.action, Facts: op.Facts,
		Session: policy.Session{From: session.Address(q.from), Opened: q.at}, Now: q.at}, op)
	y.Basis = session.FromText
	return y, err
}

// classifier finds facts by the language in which operations of an action are
// written at a kind of resource. Of one that nobody here reads without a target,
// nothing is known.
func classifier(drivers []connectors.Driver) session.Classifier {
	judges := map[string]connectors.Classifier{}
	for _, d := range all.Dialects(drivers) {
		judges[d.Name] = d
	}
	return func(ctx context.Context, kind string, action policy.Action, text string) (policy.Facts, error) {
		name := kind
		switch action {
		case policy.ActionExec:
			name = "shell"
		case policy.ActionHTTP:
			name = "http"
		case policy.ActionKubernetes:
			name = "k8s"
		case policy.ActionFile:
			name = "file"
		}
		if kind == "kubernetes" {
			name = "k8s" // exec, attach and port-forward are lines of kubectl
			if action == policy.ActionFile {
				name = "k8s-file"
			}
		}
		if j, ok := judges[name]; ok {
			return j.Classify(ctx, text)
		}
		return policy.Facts{Why: "the text alone does not tell what it does at a target of kind " + kind}, nil
	}
}

// whoFlags are the flags that say who asks, from where and when.
type whoFlags struct {
	as, from, at   string
	groups, claims []string
}

func (w *whoFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&w.as, "as", "", "the person, by e-mail")
	f.StringSliceVar(&w.groups, "groups", nil, "the person's groups, a,b")
	f.StringArrayVar(&w.claims, "claim", nil, "a claim of the person's, name=value; again for more values")
	f.StringVar(&w.from, "from", "", "the address that the person connects from")
	f.StringVar(&w.at, "at", "", "when, 2026-01-31T15:04:05Z (default: now)")
}

// question is what the flags say.
func (w *whoFlags) question() (question, error) {
	q := question{from: w.from, at: time.Now(), who: person(w.as, w.groups)}
	for _, c := range w.claims {
		name, value, ok := strings.Cut(c, "=")
		if !ok || name == "" {
			return q, &usageError{fmt.Sprintf("--claim %q is no name=value", c), ""}
		}
		if q.who.Claims == nil {
			q.who.Claims = map[string][]string{}
		}
		q.who.Claims[name] = append(q.who.Claims[name], value)
	}
	if w.at != "" {
		var err error
		if q.at, err = time.Parse(time.RFC3339, w.at); err != nil {
			return q, &usageError{fmt.Sprintf("--at %q is no time such as 2026-01-31T15:04:05Z", w.at), ""}
		}
	}
	return q, nil
}

// person is somebody who has just signed in.
func person(email string, groups []string) policy.Identity {
	return policy.Identity{Issuer: "explain", Subject: email, Email: email, Groups: groups, Method: "device"}
}

// runPolicyExplain tells what a policy would do with an operation, and why.
func runPolicyExplain(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("policy explain", io)
	var who whoFlags
	who.flags(f)
	path := f.String("config", "", "the configuration file")
	on := f.String("on", "", "the resource")
	asJSON := f.Bool("json", false, "print JSON")
	var kinds []policy.Action
	for _, a := range []policy.Action{policy.ActionSQL, policy.ActionExec, policy.ActionShell, policy.ActionHTTP, policy.ActionKubernetes, policy.ActionFile} {
		f.BoolFunc(string(a), "the operation is of this action (default: that of the resource's kind)", func(string) error {
			kinds = append(kinds, a)
			return nil
		})
	}
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" || who.as == "" || *on == "" || f.NArg() > 1 || len(kinds) > 1 {
		return &usageError{"usage: sallyport policy explain --config FILE --as WHO --groups A,B --on RESOURCE ['OPERATION']",
			"sallyport policy explain --help lists the rest"}
	}
	q, err := who.question()
	if err != nil {
		return err
	}
	q.on, q.text = *on, f.Arg(0)
	if len(kinds) > 0 {
		q.action = kinds[0]
	}
	o, err := newOffline(*path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	y, err := o.ask(ctx, q)
	if err != nil {
		return err
	}
	if *asJSON {
		return server.WriteJSON(io.out, server.WhyJSON(y))
	}
	return server.PrintWhy(io.out, q.who, y)
}

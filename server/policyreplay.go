package server

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// policyVerb is `policy replay`: what other rules would have decided on what was
// done. The candidate comes as the verb's input: the bastion opens no file that
// somebody names.
func (c *call) policyVerb() error {
	if c.operand(0) != "replay" {
		return usageError("policy has no " + strconv.Quote(printable(c.operand(0))) + ": replay")
	}
	since := 30 * 24 * time.Hour
	if s := c.flags["--since"]; s != "" {
		var err error
		if since, err = ParseAgo(s); err != nil {
			return usageError("--since needs a duration such as 30d or 12h")
		}
	}
	candidate, err := c.candidate()
	if err != nil {
		return err
	}
	r := &ReplayPrinter{W: c.out}
	if c.flags["--json"] != "" {
		r.JSON = c.json
	}
	sum, err := c.v.PolicyReplay(c.ctx, candidate, c.a.s.o.Now().Add(-since), r.Difference)
	if err != nil {
		return err
	}
	return r.Sum(sum)
}

// candidate reads a whole configuration from the input, as strictly as the file is
// read; nil for the one in force. Nothing of it comes into force, and no secret
// that it names is touched.
func (c *call) candidate() (*session.Rules, error) {
	switch c.flags["--policy"] {
	case "":
		return nil, nil
	case "-":
	default:
		return nil, usageError("the bastion opens no file for you: send it as input, --policy - < FILE")
	}
	data, err := io.ReadAll(io.LimitReader(c.a.stdin(), config.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read candidate: %w", err)
	}
	cfg, err := config.Parse(data, "candidate")
	if err == nil {
		var rules session.Rules
		if rules, err = JudgingRules(cfg); err == nil {
			return &rules, nil
		}
	}
	return nil, usageError(err.Error())
}

// JudgingRules are the rules of a configuration that judge: its policy and its
// resources, without a way to any.
func JudgingRules(cfg *config.Config) (session.Rules, error) {
	p, err := cfg.Policy()
	if err != nil {
		return session.Rules{}, err
	}
	r := session.Rules{Policy: p, Targets: map[string]session.Target{}, Revision: cfg.Revision}
	patterns, err := cfg.Detectors()
	if err != nil {
		return session.Rules{}, err
	}
	if r.Masking, err = session.JudgingMasking(patterns); err != nil {
		return session.Rules{}, err
	}
	for _, res := range cfg.Resources {
		r.Targets[res.Name] = session.Target{Resource: res.Policy()}
	}
	return r, nil
}

// ParseAgo reads a duration that may be in days (30d) or weeks (2w).
func ParseAgo(s string) (time.Duration, error) {
	for unit, d := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			v, err := strconv.Atoi(n)
			if err != nil || v < 0 || v > 100_000 {
				return 0, fmt.Errorf("%q is no duration", s)
			}
			return time.Duration(v) * d, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err == nil && d < 0 {
		err = errors.New("it is negative")
	}
	return d, err
}

// ReplayPrinter prints the differences that a replay of a policy finds.
type ReplayPrinter struct {
	W io.Writer
	// JSON prints a value as a line of JSON, in place of text; nil for text.
	JSON func(any) error
}

// Difference prints one: who asked what, what was decided, what would be, and
// where it is on record.
func (p *ReplayPrinter) Difference(d session.Difference) error {
	if p.JSON != nil {
		return p.JSON(d)
	}
	who := d.Person.Email
	if who == "" {
		who = d.Person.Subject
	}
	change := d.Then.Effect + " -> " + d.Now.Effect
	if d.Then.Effect == d.Now.Effect {
		change = "other masks"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s %s  %s\n", d.At.UTC().Format("2006-01-02 15:04:05"), widget.Escape(who), widget.Escape(d.Action), widget.Escape(d.Resource), change)
	fmt.Fprintf(&b, "    %s\n", widget.Clip(strings.Join(strings.Fields(d.Text), " "), 200))
	fmt.Fprintf(&b, "    then  %s\n", ruling(d.Then, d.Now))
	fmt.Fprintf(&b, "    now   %s\n", ruling(d.Now, d.Then))
	fmt.Fprintf(&b, "    see   replay %s@%d\n", d.Transcript, d.Event)
	_, err := io.WriteString(p.W, b.String())
	return err
}

func ruling(r, other session.Ruling) string {
	s := "rule " + widget.Escape(r.Rule)
	if len(r.Approvers) > 0 {
		s += ", by " + widget.Escape(strings.Join(r.Approvers, " or "))
	}
	if r.Reason != "" {
		s += ": " + widget.Escape(r.Reason)
	}
	if !slices.Equal(r.Masks, other.Masks) {
		names := widget.Escape(strings.Join(r.Masks, ", "))
		s += "; masks: " + orNone(names)
	}
	return s
}

// Sum prints the counts.
func (p *ReplayPrinter) Sum(r session.Rerun) error {
	if p.JSON != nil {
		return p.JSON(struct {
			Summary session.Rerun `json:"summary"`
		}{r})
	}
	_, err := fmt.Fprintf(p.W, "%d operations judged again: %d as before", r.Operations, r.Same)
	if err != nil {
		return err
	}
	if r.OtherRule > 0 {
		fmt.Fprintf(p.W, " (%d by another rule)", r.OtherRule)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Changed)) {
		fmt.Fprintf(p.W, ", %d from %s", r.Changed[k], k)
	}
	if r.Masks > 0 {
		fmt.Fprintf(p.W, ", %d with other masks", r.Masks)
	}
	if r.Unjudged > 0 {
		fmt.Fprintf(p.W, "; %d could not be: too little is on record", r.Unjudged)
	}
	_, err = fmt.Fprintln(p.W)
	return err
}

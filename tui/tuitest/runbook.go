package tuitest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
)

// RunbookListing is a declared command, as alice sees it.
func RunbookListing() tui.Listing {
	return tui.Listing{Resource: policy.Resource{Name: "restart-shop", Kind: "command", Labels: map[string]string{"env": "prod", "team": "shop"}}, Power: "command",
		Description: "Restarts the shop's workers.",
		Rights: []policy.Right{{What: "read", Decision: policy.Decision{Effect: policy.Allow, Rule: "runbooks/looks"}},
			{What: "write", Decision: policy.Decision{Effect: policy.Approve, Rule: "runbooks/changes", Approvers: []string{"dba"}}}}}
}

var _ tui.Runbooks = (*backend)(nil)

// OpenRunbook opens the fake command.
func (b *backend) OpenRunbook(_ context.Context, resource string) (tui.Runbook, error) {
	if err := b.Fail["open"]; err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	return &Runbook{Workspace{b: b, resource: resource, id: recorder.ID(fmt.Sprintf("20261123T1930-%04d", b.seq)), ended: make(chan struct{})}}, nil
}

// Runbook is a fake session on a declared command: with force it needs a yes, with
// count=9 it writes a line a second, with note=hostile what tries to drive a
// terminal, with region=us it ends with code 3.
type Runbook struct{ Workspace }

// Declared has a parameter of each type.
func (r *Runbook) Declared() connectors.Command {
	return connectors.Command{Program: "/usr/bin/systemctl", Args: []string{"restart", "{force}", "shop-{region}@{count}", "{note}"}, Class: policy.Read,
		Parameters: []connectors.Parameter{
			{Name: "region", Help: "where", Type: connectors.ParameterChoice, Choices: []string{"eu", "us"}},
			{Name: "count", Help: "how many workers", Type: connectors.ParameterInteger, Min: 1, Max: 10, Default: "1"},
			{Name: "note", Type: connectors.ParameterText, Optional: true},
			{Name: "force", Help: "do not wait for requests", Type: connectors.ParameterSwitch, Choices: []string{"--force"}},
		}}
}

func (r *Runbook) judge(text string) (policy.Decision, policy.Facts) {
	if strings.Contains(text, "count='99'") {
		return policy.Decision{Rule: policy.DefaultDeny, Reason: "nothing allows what cannot be judged"}, policy.Facts{Why: "count is a whole number from 1 to 10"}
	}
	f := policy.Facts{Class: policy.Read, Verb: "RUN", Why: "declared so", Commands: []policy.Command{{Name: "systemctl", Args: strings.Fields("restart " + strings.ReplaceAll(text, "'", ""))}}}
	if strings.Contains(text, "force") {
		f.Class = policy.Write
		return policy.Decision{Effect: policy.Approve, Rule: "runbooks/changes", Approvers: []string{"dba"}, Need: 1}, f
	}
	return policy.Decision{Effect: policy.Allow, Rule: "runbooks/looks"}, f
}

func (r *Runbook) Judge(_ context.Context, text string) (policy.Decision, policy.Facts, error) {
	d, f := r.judge(text)
	return d, f, nil
}

// Explain explains what judge says.
func (r *Runbook) Explain(_ context.Context, text string) (tui.Why, error) {
	d, f := r.judge(text)
	return tui.Why{Who: r.b.id, Resource: RunbookListing().Resource, Action: policy.ActionExec, Text: text, Facts: f,
		Explanation: policy.Explanation{Decision: d, Tried: []policy.Trial{{Rule: d.Rule, Effect: d.Effect, Matched: true, Place: "policy.yaml:12", Why: "engineering"}}}}, nil
}

func (r *Runbook) Exec(ctx context.Context, text string, ask *tui.Ask, out io.Writer) (connectors.Exit, error) {
	d, f := r.judge(text)
	if d.Effect == policy.Approve {
		if ask == nil {
			return connectors.Exit{}, &policy.ApprovalNeeded{Decision: d, Facts: f}
		}
		if err := r.wait(ctx, text, d, f, ask); err != nil {
			return connectors.Exit{}, err
		}
	}
	if strings.Contains(text, "hostile") {
		_, _ = io.WriteString(out, "\x1b]0;owned\x07plain\x1b[2J\nsecond \u202eline\n")
	}
	if strings.Contains(text, "count='9'") {
		for i := range 100 {
			_, _ = fmt.Fprintf(out, "worker %d restarted\n", i+1)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return connectors.Exit{}, connectors.ErrCanceled
			}
		}
	}
	_, _ = fmt.Fprintf(out, "restarted %s\nof [email]\n", strings.ReplaceAll(text, "'", ""))
	if strings.Contains(text, "region='us'") {
		return connectors.Exit{Code: 3}, nil
	}
	return connectors.Exit{}, nil
}

// Command adds the transcript of a declared command, whose output ends its lines as
// a program does without a terminal.
func (b *Bastion) Command() {
	h := recorder.Header{ID: "20261123T1850-0003", Started: b.Now().Add(-time.Hour), Identity: recorder.Person{Issuer: "http://idp", Subject: "alice", Email: "alice@example.com"},
		Resource: "disk-usage", Kind: "command", Action: "exec", From: "127.0.0.1:53422", Width: 80, Height: 24}
	failed := 1
	t := NewTape(h)
	t.Wait(time.Second).JSON(recorder.KindOperation, recorder.Operation{Op: 1, Action: "exec", Text: "/bin/df -h -- /"})
	t.JSON(recorder.KindDecision, recorder.Decision{Op: 1, Effect: "allow", Rule: "runbooks"})
	t.Wait(300*time.Millisecond).Bytes(recorder.KindOutput, "Filesystem  Use%\n/dev/vda     62%\n")
	t.JSON(recorder.KindOutcome, recorder.Outcome{Op: 1, State: "ok", Exit: &failed})
	t.Wait(5*time.Second).JSON(recorder.KindEnd, recorder.End{Reason: "closed"})
	b.Heads = append(b.Heads, t.Head(h, 1))
	b.Events[h.ID] = t.Events
}

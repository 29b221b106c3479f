package server

import (
	"fmt"
	"io"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui"
)

// whyWidth is how wide explanations are printed.
const whyWidth = 80

// whyOf is an answer of the gate's as the screens and verbs show it.
func whyOf(who policy.Identity, y session.Why) tui.Why {
	return tui.Why{Who: who, Resource: y.Resource, Action: y.Action, Text: y.Text, Explanation: y.Explanation, Facts: y.Facts,
		Masks: y.Masks.Seen, Detect: y.Masks.SeenDetect, Basis: y.Basis}
}

// PrintWhy prints an explanation as text.
func PrintWhy(w io.Writer, who policy.Identity, y session.Why) error {
	for _, l := range whyOf(who, y).Lines(whyWidth) {
		if _, err := fmt.Fprintln(w, l.Text); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

// WhyJSON is an explanation as `--json` prints it.
func WhyJSON(y session.Why) any {
	type decision struct {
		Effect string `json:"effect"`
		policy.Decision
		Results string `json:"results,omitempty"`
	}
	out := struct {
		Resource string            `json:"resource"`
		Action   policy.Action     `json:"action"`
		Text     string            `json:"text,omitempty"`
		Decision decision          `json:"decision"`
		Facts    policy.Facts      `json:"facts"`
		Basis    string            `json:"basis,omitempty"`
		Tried    []policy.Trial    `json:"tried"`
		Masks    []policy.MaskRule `json:"masks"`
		Detect   []string          `json:"detect"`
		Grant    string            `json:"grant,omitempty"`
	}{
		Resource: y.Resource.Name, Action: y.Action, Text: y.Text, Facts: y.Facts, Basis: y.Basis, Grant: y.Grant,
		Decision: decision{y.Decision.Effect.String(), y.Decision, y.Decision.Results.String()},
		Tried:    append([]policy.Trial{}, y.Tried...), Masks: append([]policy.MaskRule{}, y.Masks.Seen...), Detect: append([]string{}, y.Masks.SeenDetect...),
	}
	return out
}

// why tells what the gate would do, without running anything. Its exit code says
// whether it answered, not what.
func (c *call) why() error {
	text, err := c.freeText(1)
	if err != nil {
		return usageError(err.Error())
	}
	action := policy.Action("")
	if c.flags["--shell"] != "" {
		action = policy.ActionShell
	}
	if c.flags["--file"] != "" {
		action = policy.ActionFile
	}
	y, err := c.v.Why(c.ctx, c.operand(0), action, text)
	if err != nil {
		return err
	}
	if c.flags["--json"] != "" {
		return c.json(WhyJSON(y))
	}
	return PrintWhy(c.out, c.v.Identity(), y)
}

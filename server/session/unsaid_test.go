package session

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

// A yes to a statement is none to the same text where its names mean other tables.
func TestApprovalWithin(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	pending := func(text string) string {
		t.Helper()
		var refusal *policy.Refusal
		a, err := s.Run(t.Context(), text, &Ask{Reason: "r", Wait: -1})
		if err == nil {
			drain(t, a)
			return ""
		}
		if !errors.As(err, &refusal) || refusal.ApprovalID == "" {
			t.Fatal(err)
		}
		return refusal.ApprovalID
	}
	first := pending("write a")
	a, err := w.visit(bob).Approval(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	w.vote(t, bob, true)(a)
	w.target.within = "hr"
	if other := pending("write a"); other == "" || other == first {
		t.Errorf("a yes to it elsewhere lets it run: %q", other)
	}
	if ran := w.target.reached(); len(ran) > 0 {
		t.Errorf("the target ran %q", ran)
	}
	w.target.within = ""
	if again := pending("write a"); again != "" {
		t.Errorf("with a yes, where it was asked for: %s is pending", again)
	}
	if ran := w.target.reached(); !slices.Equal(ran, []string{"write a"}) {
		t.Errorf("the target ran %q", ran)
	}
}

// Nobody is asked for a yes to what they could not see.
func TestUnsaid(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	w.target.unsaid = "the variable @x"
	_, err := s.Run(t.Context(), "write a", &Ask{Reason: "r", Waiting: func(policy.Approval) { t.Error("somebody is asked") }})
	var refusal *policy.Refusal
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, "@x") {
		t.Errorf("%v", err)
	}
	a, err := s.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
}

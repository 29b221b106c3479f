package session

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestMasksAhead: the guard tells what is kept masked whoever looks, also to one
// who may see it, and everything of a resource that changed.
func TestMasksAhead(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, bob) // a role of his reveals the e-mails
	defer s.Close()
	seen, plan, err := (&guard{s: s}).Masks()
	if err != nil {
		t.Fatal(err)
	}
	if seen.MasksColumns() {
		t.Error("what a role of his reveals is masked for bob")
	}
	if _, ok := plan.Column(mask.Column{Table: "customers", Name: "email"}); !ok {
		t.Error("what bob may see is not masked for the restricted login")
	}
	if _, ok := plan.Column(mask.Column{Table: "customers", Name: "tier"}); ok {
		t.Error("more is masked than the masks say")
	}
	rules := *w.gate.rules.Load()
	rules.Targets = map[string]Target{"db": {Resource: policy.Resource{Name: "db", Kind: "postgres", Revision: "v2"}}}
	w.gate.rules.Store(&rules)
	if seen, plan, err = (&guard{s: s}).Masks(); err != nil || !plan.MasksTable("any", "thing") || !seen.MasksTable("any", "thing") {
		t.Errorf("a resource that changed: %v", err)
	}
}

// TestSecondLogin: each session gets its own way to the second credential, which
// is not asked for until somebody calls it.
func TestSecondLogin(t *testing.T) {
	shared := connectors.Endpoint{Name: "db", Masked: &connectors.Login{User: "m"}}
	target := Target{Endpoint: shared, Masked: fixedSecret("hunter3")}
	e := target.Reach()
	if e.Masked == shared.Masked || shared.Masked.Secret != nil || e.Masked.User != "m" {
		t.Errorf("%+v, %+v", e.Masked, shared.Masked)
	}
	secret, err := e.Masked.Secret(t.Context())
	if err != nil || string(secret.Reveal()) != "hunter3" {
		t.Errorf("the credential: %v", err)
	}
	again := Target{Endpoint: shared, Secret: fixedSecret("hunter2")}.Reach()
	if secret, err := again.Again(t.Context()); err != nil || string(secret.Reveal()) != "hunter2" {
		t.Errorf("the credential, once more: %v", err)
	}
	if e := (Target{}).Reach(); e.Masked != nil || e.Again != nil {
		t.Errorf("%+v", e.Masked)
	}
	if e := (Target{Endpoint: shared}).Reach(); e.Masked.Secret != nil {
		t.Error("a credential from nowhere")
	}
}

package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/identity/idptest"
)

// A whole sign-in at a provider that shares no code with ours.
func TestSecondProvider(t *testing.T) {
	t.Parallel()
	idp := idptest.Start(t, map[string]idptest.Person{
		"bob": {Email: "bob@idp.example", Groups: []string{"dba", "oncall"}},
	})
	p, err := identity.NewProvider(identity.Config{
		Issuer: idp.Issuer, InsecureIssuer: true, ClientID: idptest.Client, Scopes: idptest.Scopes,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	f, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(f.Expires); left > 5*time.Minute || left < 4*time.Minute {
		t.Errorf("the code lives %s", left)
	}
	denied, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := idptest.Approve(t.Context(), f.CompleteURL, f.Code, "bob"); err != nil {
		t.Fatal(err)
	}
	if err := idptest.Deny(t.Context(), denied.URL, denied.Code); err != nil {
		t.Fatal(err)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := denied.Wait(t.Context())
		refused <- err
	}()
	got, err := f.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := <-refused; !errors.Is(err, identity.ErrDenied) {
		t.Errorf("the denied one: got %v, want ErrDenied", err)
	}
	got.SignedIn = time.Time{}
	want := policy.Identity{Issuer: idp.Issuer, Subject: "bob", Email: "bob@idp.example", Name: "bob",
		Groups: []string{"dba", "oncall"}, Method: "device"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

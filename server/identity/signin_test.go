package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/identity/oidctest"
)

func demo(t *testing.T, edit func(*oidctest.Options)) (*oidctest.Provider, *identity.Provider) {
	t.Helper()
	o := oidctest.Options{ClientID: "bastion", People: []oidctest.Person{
		{Name: "alice", Email: "alice@demo.example", Groups: []string{"engineering"}},
		{Name: "dave", Email: "dave@demo.example"},
	}}
	if edit != nil {
		edit(&o)
	}
	idp, err := oidctest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := idp.Close(ctx); err != nil {
			t.Errorf("close the provider: %v", err)
		}
	})
	p, err := identity.NewProvider(identity.Config{
		Issuer: idp.Issuer(), InsecureIssuer: true, ClientID: "bastion", Scopes: []string{"profile", "email", "groups"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return idp, p
}

// A whole sign-in over real HTTP, against a provider of another make.
func TestSignIn(t *testing.T) {
	t.Parallel()
	idp, p := demo(t, nil)
	for name, want := range map[string]policy.Identity{
		"alice": {Issuer: idp.Issuer(), Subject: "demo-alice", Email: "alice@demo.example", Name: "alice", Groups: []string{"engineering"}, Method: "device"},
		"dave":  {Issuer: idp.Issuer(), Subject: "demo-dave", Email: "dave@demo.example", Name: "dave", Method: "device"},
	} {
		f, err := p.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f.URL != idp.URL() || f.CompleteURL != idp.URL()+"?user_code="+f.Code || len(f.Code) != 9 || f.Code[4] != '-' {
			t.Errorf("flow shows %q, %q, %q", f.URL, f.CompleteURL, f.Code)
		}
		if err := oidctest.Approve(t.Context(), nil, f.URL, f.Code, name); err != nil {
			t.Fatal(err)
		}
		got, err := f.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(got.SignedIn); age < -time.Minute || age > time.Minute {
			t.Errorf("%s signed in at %s", name, got.SignedIn)
		}
		got.SignedIn = time.Time{}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if note := f.GroupsNote(); strings.Contains(note, "empty list") != (len(want.Groups) == 0) {
			t.Errorf("%s: note %q", name, note)
		}
	}
}

func TestSignInWithoutGroupsScope(t *testing.T) {
	t.Parallel()
	idp, _ := demo(t, nil)
	p, err := identity.NewProvider(identity.Config{Issuer: idp.Issuer(), InsecureIssuer: true, ClientID: "bastion"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := oidctest.Approve(t.Context(), nil, f.CompleteURL, f.Code, "alice"); err != nil {
		t.Fatal(err)
	}
	id, err := f.Wait(t.Context())
	if err != nil || len(id.Groups) != 0 || !strings.Contains(f.GroupsNote(), `no claim "groups"`) {
		t.Errorf("%+v, %v, note %q", id, err, f.GroupsNote())
	}
}

func TestSignInDenied(t *testing.T) {
	t.Parallel()
	_, p := demo(t, nil)
	f, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := oidctest.Deny(t.Context(), nil, f.URL, f.Code); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Wait(t.Context()); !errors.Is(err, identity.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
}

func TestSignInExpires(t *testing.T) {
	t.Parallel()
	_, p := demo(t, func(o *oidctest.Options) { o.Lifetime = 2 * time.Second })
	f, err := p.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Wait(t.Context()); !errors.Is(err, identity.ErrExpired) {
		t.Errorf("got %v, want ErrExpired", err)
	}
}

func TestSignInUnknownClient(t *testing.T) {
	t.Parallel()
	idp, _ := demo(t, nil)
	p, err := identity.NewProvider(identity.Config{Issuer: idp.Issuer(), InsecureIssuer: true, ClientID: "stranger"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Start(t.Context()); !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), "unknown client") {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

// The provider goes away and comes back with its key: sign-ins work again, and
// people are the same.
func TestSignInAfterRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(listen string) *oidctest.Provider {
		o := oidctest.Options{Listen: listen, ClientID: "bastion", People: []oidctest.Person{{Name: "alice"}}, Key: dir + "/key.pem"}
		idp, err := oidctest.New(o)
		if err != nil {
			t.Fatal(err)
		}
		return idp
	}
	idp := start("127.0.0.1:0")
	p, err := identity.NewProvider(identity.Config{Issuer: idp.Issuer(), InsecureIssuer: true, ClientID: "bastion"})
	if err != nil {
		t.Fatal(err)
	}
	once := func() policy.Identity {
		f, err := p.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := oidctest.Approve(t.Context(), nil, f.URL, f.Code, "alice"); err != nil {
			t.Fatal(err)
		}
		id, err := f.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	before := once()
	if err := idp.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Start(t.Context()); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("while it is down: got %v, want ErrUnavailable", err)
	}
	idp = start(strings.TrimPrefix(idp.Issuer(), "http://"))
	defer func() { _ = idp.Close(context.Background()) }()
	if after := once(); !after.Same(before) {
		t.Errorf("%+v became %+v", before, after)
	}
}

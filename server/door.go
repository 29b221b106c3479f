package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/tui"
)

var errSignInFirst = errors.New("sign in first")

// door signs a stranger in by device authorization, on the screen or in text.
type door struct {
	a *access
}

var _ tui.Door = (*door)(nil)

// SignIn starts a device authorization.
func (d *door) SignIn(ctx context.Context) (tui.SignIn, error) {
	f, err := d.a.s.o.Provider.Start(ctx)
	if err != nil {
		d.a.s.o.Log.Error("sign-in not started", "from", d.a.c.remote, "err", err)
		return tui.SignIn{}, spoken(err)
	}
	d.a.c.mu.Lock()
	d.a.c.flow = f
	d.a.c.mu.Unlock()
	return tui.SignIn{
		URL: f.URL, CompleteURL: f.CompleteURL, Code: f.Code, Expires: f.Expires,
		From: d.a.c.remote, Key: d.a.c.fingerprint(), Remember: d.a.s.o.Keys.TTL(),
	}, nil
}

// Wait returns when the person has approved the sign-in that was started last.
func (d *door) Wait(ctx context.Context, in tui.SignIn, remember func() bool) (tui.Backend, error) {
	d.a.c.mu.Lock()
	f := d.a.c.flow
	d.a.c.mu.Unlock()
	if f == nil || f.Code != in.Code {
		return nil, identity.ErrExpired
	}
	id, err := f.Wait(ctx)
	if err != nil {
		d.a.s.o.Log.Warn("sign-in not completed", "from", d.a.c.remote, "err", err)
		return nil, spoken(err)
	}
	id.Method = "device"
	if note := f.GroupsNote(); note != "" {
		d.a.c.say(note)
		d.a.s.o.Log.Warn("sign-in without groups", "from", d.a.c.remote, "why", note)
	}
	if err := d.enter(ctx, id, remember()); err != nil {
		return nil, err
	}
	return d.a.backend(), nil
}

// enter gives the connection its identity and remembers its key.
func (d *door) enter(ctx context.Context, id policy.Identity, remember bool) error {
	c := d.a.c
	if err := c.signedIn(ctx, id, "signed in by device code"); err != nil {
		d.a.s.o.Log.Error("sign-in not recorded", "from", c.remote, "err", err)
		return errNoRecord
	}
	key := c.fingerprint()
	if !remember || key == "" || d.a.s.o.Keys.TTL() <= 0 {
		return nil
	}
	k, err := d.a.s.o.Keys.Remember(ctx, key, id, c.remote)
	if err != nil {
		// The person is signed in all the same, for this connection.
		c.say("your SSH key is not remembered: " + err.Error())
		d.a.s.o.Log.Warn("key not remembered", "from", c.remote, "err", err)
		return nil
	}
	c.rests(k.Expires)
	return nil
}

// spoken is a sign-in's failure in words.
func spoken(err error) error {
	for _, known := range []error{identity.ErrDenied, identity.ErrExpired, identity.ErrUnavailable, identity.ErrToken, connectors.ErrCanceled, context.Canceled} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New("the sign-in failed; the bastion's log has the details")
}

// signInText signs in on a terminal without screens: URL and code as text.
func (a *access) signInText(ctx context.Context) error {
	d := &door{a}
	in, err := d.SignIn(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.sess, "To sign in, open\n\n    %s\n\nand enter the code  %s\n\n", in.URL, in.Code)
	fmt.Fprintf(a.sess, "Approve only a sign-in that you started yourself. This one comes from %s.\nWaiting, until %s UTC (ctrl-c cancels) ...\n",
		in.From, in.Expires.UTC().Format(time.TimeOnly))
	if _, err := d.Wait(ctx, in, func() bool { return true }); err != nil {
		return err
	}
	fmt.Fprintf(a.sess, "Signed in as %s.\n\n", printable(a.visitor().Identity().Display()))
	return nil
}

package mongodb

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mongodb/judge"
	"github.com/sallyport/sallyport/connectors/mongodb/shell"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Options are the choices of a Driver. The zero value is right.
type Options struct{}

// Driver opens connections to MongoDB. It is safe for concurrent use.
type Driver struct{}

var (
	_ connectors.Driver     = (*Driver)(nil)
	_ connectors.Classifier = (*Driver)(nil)
)

// New makes a driver.
func New(Options) *Driver { return &Driver{} }

// Kind returns "mongodb".
func (*Driver) Kind() string { return "mongodb" }

// Open signs in on two lines: the second asks what collections there are and ends what
// runs on the first. A line that was given up to end what ran on it is made anew when
// it is needed, with the secret as Endpoint.Again has it then: none is kept. Its errors
// wrap ErrUnreachable,
// ErrCredential, ErrHostKey or ErrProtocol, or are those of g.Note.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	c := &Conn{endpoint: e, guard: g, io: make(chan struct{}, 1), side: make(chan struct{}, 1)}
	c.views.Store(&views{})
	var err error
	if c.main, err = signIn(ctx, e, secret); err == nil {
		c.second, err = signIn(ctx, e, secret)
	}
	if err != nil {
		_ = c.Close()
		return nil, openError(e.Name, err)
	}
	if err := c.look(ctx, g, nil); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("open %q: %w", e.Name, err)
	}
	return c, nil
}

// Classify judges a text by itself: no collection is known to be a view.
func (*Driver) Classify(_ context.Context, text string) (policy.Facts, error) {
	cmd, err := shell.Parse(text, "")
	if err != nil {
		return judge.Unparsed(err.Error()).Facts, nil
	}
	return judge.Judge(cmd.Doc, cmd.Admin, "", noViews{}).Facts, nil
}

// noViews is a catalog without views.
type noViews struct{}

func (noViews) View(string) (judge.View, bool, bool) { return judge.View{}, false, true }

const (
	// cancelGrace is how long the target may take to end a cancelled operation before
	// the line is given up.
	cancelGrace = 5 * time.Second
	// sideTime bounds what is asked over the second line.
	sideTime = 20 * time.Second
)

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres/grants"
	"github.com/sallyport/sallyport/connectors/postgres/lineage"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// restrictedRule is the rule that a refusal of the restricted path names.
const restrictedRule = "restricted login"

// second is the restricted session of a connection: another login, never SET
// ROLE on the ordinary one, which a statement could undo. Only the operation
// that runs opens and checks it; Restricted and Close look at any moment.
type second struct {
	mu     sync.Mutex
	conn   *Conn
	closed bool
	// report is the last check, of the masks and the catalog by which it was made.
	report      grants.Report
	revision    string
	fingerprint string
	why         string // why the path is off, as last found
}

var errNoSecond = errors.New("the resource has no restricted login (masked_user)")

// Restricted reports whether what is not understood whole can run with the
// restricted login, as last found; why says why not. Nothing is asked of the
// target: it was not checked before the first operation that needs it.
func (c *Conn) Restricted() (ok bool, why string) {
	s := &c.second
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.endpoint.Masked == nil:
		return false, errNoSecond.Error()
	case s.why != "":
		return false, s.why
	case s.conn == nil || s.fingerprint == "":
		return false, "the restricted login was not needed yet"
	}
	return s.report.Closed, s.report.Why()
}

// restricted returns the restricted session, opened and checked: its role
// reaches no column that the plan masks, as the catalog is now. The operation
// that runs calls it, after refresh. Errors are *policy.Refusal where the role
// is not closed or there is none, else those of Open.
func (c *Conn) restricted(ctx context.Context, g connectors.Guard, kept *mask.Plan) (*Conn, error) {
	conn, err := c.openSecond(ctx, g)
	if err == nil {
		err = c.checkSecond(ctx, g, conn, kept)
	}
	return conn, c.second.found(err)
}

// found remembers why the path is off, if it is.
func (s *second) found(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var no *policy.Refusal
	switch {
	case err == nil:
		s.why = ""
	case errors.As(err, &no):
		s.why = no.Reason
	default:
		s.why = "the restricted login cannot be used: " + err.Error()
	}
	return err
}

// openSecond signs in with the second login, which must be another one.
func (c *Conn) openSecond(ctx context.Context, g connectors.Guard) (*Conn, error) {
	login := c.endpoint.Masked
	if err := c.another(); err != nil {
		return nil, err
	}
	s := &c.second
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn != nil && !conn.pg.IsClosed() {
		return conn, nil
	}
	if err := g.Note(ctx, "open a second session with the restricted login "+quoteIdent(login.User)); err != nil {
		return nil, err
	}
	conn, err := c.signIn(ctx, g, *login)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errConnClosed)
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn = conn
	return conn, nil
}

// settings make the session the gate's own, and keep it to reading.
func (c *Conn) settings() string {
	return sessionText(c.endpoint.SearchPath) + "; set default_transaction_read_only = on"
}

// another refuses a second login that is none.
func (c *Conn) another() error {
	switch login := c.endpoint.Masked; {
	case login == nil:
		return &policy.Refusal{Rule: restrictedRule, Reason: errNoSecond.Error()}
	case login.User == "", login.User == c.endpoint.User:
		return &policy.Refusal{Rule: restrictedRule, Reason: "the restricted login must be another than the ordinary one"}
	}
	return nil
}

const whoText = `select session_user, current_user, pg_catalog.current_setting('default_transaction_read_only')`

// signIn fetches the credential, connects, forgets the credential, and makes the
// session the gate's own.
func (c *Conn) signIn(ctx context.Context, g connectors.Guard, login connectors.Login) (*Conn, error) {
	var secret mask.Secret
	if login.Secret != nil {
		var err error
		if secret, err = login.Secret(ctx); err != nil {
			return nil, err
		}
		defer secret.Destroy()
	}
	e := c.endpoint
	e.User, e.Masked = login.User, nil
	conn, err := connect(ctx, c.driver, e, secret)
	if err != nil {
		return nil, err
	}
	conn.of, conn.now, conn.guard = c, c.now, g
	err = conn.exec(ctx, g, conn.settings())
	var who [][]string
	if err == nil {
		who, err = conn.own(ctx, g, whoText)
	}
	if err == nil && (len(who) != 1 || who[0][0] != login.User || who[0][1] != login.User || who[0][2] != "on") {
		err = fmt.Errorf("%w: the second session is not that of %q", connectors.ErrProtocol, login.User)
	}
	if err != nil {
		conn.of = nil
		_ = conn.Close()
		return nil, fmt.Errorf("open %q with the restricted login: %w", c.endpoint.Name, err)
	}
	return conn, nil
}

// checkSecond checks the role, as one of the two sessions sees it, anew where
// masks or what grants go by are not those of the last check: others may have
// granted something since. The role's privileges are the same whoever looks.
func (c *Conn) checkSecond(ctx context.Context, g connectors.Guard, as *Conn, kept *mask.Plan) error {
	as.io <- struct{}{}
	defer func() { <-as.io }()
	as.catalog.Store(c.catalog.Load())
	cat, user := ownCatalog{as, g}, c.endpoint.Masked.User
	// Before the check, so that what changes meanwhile is checked the next time.
	mark, err := grants.Fingerprint(ctx, cat)
	if err != nil {
		return fmt.Errorf("check the restricted login of %q: %w", c.endpoint.Name, err)
	}
	s := &c.second
	s.mu.Lock()
	known := s.fingerprint == mark && s.revision == kept.Revision()
	report := s.report
	s.mu.Unlock()
	if !known {
		report, err = grants.Check(ctx, cat, kept, user)
		if errors.Is(err, grants.ErrNoRole) {
			return &policy.Refusal{Rule: restrictedRule, Reason: "the restricted login does not exist at the target",
				Hint: "an administrator makes it: sallyport mask role " + c.endpoint.Name}
		}
		if err != nil {
			return fmt.Errorf("check the restricted login of %q: %w", c.endpoint.Name, err)
		}
		s.mu.Lock()
		s.report, s.fingerprint, s.revision = report, mark, kept.Revision()
		s.mu.Unlock()
	}
	if !report.Closed {
		return &policy.Refusal{Rule: restrictedRule, Reason: "the restricted login reaches masked columns or may do more than read: " + report.Why(),
			Hint: "an administrator closes it: sallyport mask role " + c.endpoint.Name + " --check"}
	}
	return nil
}

// close ends the session for good.
func (s *second) close() {
	s.mu.Lock()
	conn := s.conn
	s.closed = true
	s.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// ownCatalog reads the catalog with statements of the gate's own.
type ownCatalog struct {
	c *Conn
	g connectors.Guard
}

var _ grants.Catalog = ownCatalog{}

func (o ownCatalog) Rows(ctx context.Context, text string, args ...string) ([][]string, error) {
	return o.c.own(ctx, o.g, text, args...)
}

// secondLine reports whether what is not understood whole is left to the
// restricted login: there is one, and it may reach what is masked for this
// person. One who may see everything needs no second line; the transcript
// withholds then.
func (c *Conn) secondLine(g connectors.Guard, f policy.Facts) bool {
	if c.endpoint.Masked == nil {
		return false
	}
	m, ok := g.(connectors.Masker)
	if !ok {
		return true
	}
	seen, _, err := m.Masks()
	return err != nil || connectors.Touches(seen, f)
}

// queryRestricted runs a statement that is not understood whole with the
// restricted login, read-only: the server itself refuses what would reach a
// masked column. run is the operation's context, begun on c, which ends with it.
func (c *Conn) queryRestricted(run context.Context, g connectors.Guard, text string, j *judgement, f policy.Facts) (*connectors.Result, error) {
	if err := c.ahead(run, g); err != nil {
		c.end()
		return nil, err
	}
	permit, err := g.Check(run, connectors.Operation{Action: policy.ActionSQL, Text: text, Facts: f, Login: c.endpoint.Masked.User})
	if err != nil {
		c.end()
		return nil, err
	}
	// By the plan that was permitted: the masks may have changed while it waited.
	conn, err := c.restricted(run, g, permit.Kept())
	if err == nil {
		run, err = conn.again(run, g)
	}
	if err != nil {
		c.end()
		return nil, connectors.Settle(permit, f, false, connectors.Outcome{Err: err, Affected: -1})
	}
	q := &source{c: conn, g: g, j: j, f: f, t: unread(), readOnly: true}
	q.run, q.stop = context.WithCancelCause(run)
	columns, err := q.start(reading{permit}, f, text)
	// No masked table is touched, whatever the statement names: that is proved.
	proved := policy.Facts{Class: policy.Read}
	if err != nil {
		o := q.Finish()
		o.Err = err
		return nil, connectors.Settle(permit, proved, q.sent, o)
	}
	return connectors.NewResult(permit, proved, columns, q), nil
}

// unread is the lineage of a statement that is left to the target's own grants.
func unread() *traced {
	return &traced{Result: &lineage.Result{Why: "it is left to the restricted login"}}
}

// again begins an operation on the restricted session, whose settings the one
// before may have changed from within a function.
func (c *Conn) again(ctx context.Context, g connectors.Guard) (context.Context, error) {
	c.io <- struct{}{}
	err := c.exec(ctx, g, c.settings())
	<-c.io
	if err != nil {
		return nil, err
	}
	return c.begin(ctx)
}

// ahead checks the role before anything is asked, so that nobody approves what
// cannot run. The ordinary session looks at it: no credential is fetched for what
// is not permitted. A guard that cannot tell its masks ahead is asked for them by
// its permit alone.
func (c *Conn) ahead(ctx context.Context, g connectors.Guard) error {
	m, ok := g.(connectors.Masker)
	err := c.another()
	if err == nil && ok {
		var kept *mask.Plan
		if _, kept, err = m.Masks(); err == nil {
			err = c.checkSecond(ctx, g, c, kept)
		}
	}
	if err != nil {
		return c.second.found(err)
	}
	return nil
}

// reading is a permit whose operation runs read-only, however it was judged.
type reading struct{ connectors.Permit }

func (p reading) Terms() connectors.Terms {
	t := p.Permit.Terms()
	t.ReadOnly = true
	return t
}

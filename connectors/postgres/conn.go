package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Conn is one session at PostgreSQL.
//
// Only the goroutine that holds io is within pgconn, which is not safe for
// concurrent use; Close waits for io a while and then cuts the line under it.
type Conn struct {
	driver   *Driver
	endpoint connectors.Endpoint
	pg       *pgconn.PgConn
	now      func() time.Time
	warnings []string
	guard    connectors.Guard // of Open: for what belongs to no operation

	io    chan struct{}
	dirty atomic.Bool // the catalog must be read again

	catalog atomic.Pointer[catalog]
	second  second // the restricted session, opened when it is first needed
	of      *Conn  // the connection whose restricted session this is, or nil

	prepared map[string]*judgement // by PREPARE; guarded by mu, see prepared.go

	session session
	block   block // the requester's own transaction
	wishes  wishes

	mu      sync.Mutex
	turn    turn
	closed  bool
	notices []string // of the operation that runs
	dropped int      // notices beyond maxNotices
	heard   []pgconn.Notification
	deaf    int // notifications beyond maxNotifications
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
)

var (
	errBusy       = errors.New("another statement still runs on this connection")
	errConnClosed = errors.New("the connection was closed")
)

// maxNotices bounds what is kept of a statement's messages between two reads.
const maxNotices = 200

func connect(ctx context.Context, d *Driver, e connectors.Endpoint, secret mask.Secret) (*Conn, error) {
	cfg, err := config(e, secret, d.grace)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w: %w", e.Name, connectors.ErrUnreachable, err)
	}
	c := &Conn{driver: d, endpoint: e, now: time.Now, io: make(chan struct{}, 1)}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { c.notice(n.Severity + ": " + n.Message) }
	cfg.OnNotification = c.notification
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	cfg.Password = "" // pgconn keeps cfg
	if err != nil {
		return nil, openError(ctx, e, err)
	}
	c.pg = pg
	return c, nil
}

func (c *Conn) notice(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.notices) >= maxNotices {
		c.dropped++
		return
	}
	c.notices = append(c.notices, text)
}

func (c *Conn) takeNotices() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.notices
	if c.dropped > 0 {
		n = append(n, fmt.Sprintf("%d more messages of the target were dropped", c.dropped))
	}
	c.notices, c.dropped = nil, 0
	return n
}

// pathNames are the schemas of a search path, without that of temporary tables.
func pathNames(searchPath string) []string {
	if strings.TrimSpace(searchPath) == "" {
		searchPath = "public"
	}
	var names []string
	for _, n := range strings.Split(searchPath, ",") {
		n = strings.TrimSpace(n)
		if len(n) > 1 && n[0] == '"' && n[len(n)-1] == '"' {
			n = strings.ReplaceAll(n[1:len(n)-1], `""`, `"`)
		}
		if n != "" && n != "pg_temp" {
			names = append(names, n)
		}
	}
	return names
}

// sessionText makes the session the gate's own.
func sessionText(searchPath string) string {
	var names []string
	for _, n := range pathNames(searchPath) {
		names = append(names, quoteIdent(n))
	}
	// Temporary tables come last, so that none stands in for a masked one.
	return "set search_path = " + strings.Join(append(names, "pg_temp"), ", ") +
		"; set standard_conforming_strings = on; set backslash_quote = safe_encoding; set transform_null_equals = off" +
		"; set client_encoding = 'UTF8'; set client_min_messages = notice; set row_security = on" +
		"; set statement_timeout = 0; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '60s'"
}

const rightsText = `select 'is a superuser: it can do anything, whatever the policy says', rolsuper from pg_catalog.pg_roles where rolname = current_user union all select 'can create roles', rolcreaterole from pg_catalog.pg_roles where rolname = current_user union all select 'bypasses row security', rolbypassrls from pg_catalog.pg_roles where rolname = current_user union all select 'can start replication, which reads everything', rolreplication from pg_catalog.pg_roles where rolname = current_user union all select 'has the rights of ' || r.rolname, pg_catalog.pg_has_role(current_user, r.oid, 'USAGE') from pg_catalog.pg_roles r where r.rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_read_all_data', 'pg_write_all_data', 'pg_signal_backend', 'pg_maintain', 'pg_create_subscription')`

// takeOver sets the session up and reads what the login may do, and the catalog.
func (c *Conn) takeOver(ctx context.Context, g connectors.Guard) error {
	c.guard = g
	text := sessionText(c.endpoint.SearchPath)
	if err := c.exec(ctx, g, text); err != nil {
		return err
	}
	rows, err := c.own(ctx, g, rightsText)
	if err != nil {
		return err
	}
	super := len(rows) > 0 && rows[0][1] == "t"
	for i, r := range rows {
		if r[1] == "t" && (!super || i == 0) {
			c.warnings = append(c.warnings, "the login "+c.endpoint.User+" "+r[0])
		}
	}
	cat, err := c.readCatalog(ctx, g)
	if err != nil {
		return err
	}
	c.catalog.Store(cat)
	c.takeNotices()
	return nil
}

// Warnings says what the login can do beyond what a gate should be given: to be
// said aloud where the resource is shown. It does not change.
func (c *Conn) Warnings() []string { return c.warnings }

// Login is the upstream user.
func (c *Conn) Login() string { return c.endpoint.User }

// exec runs statements of the gate's own by the simple protocol.
func (c *Conn) exec(ctx context.Context, g connectors.Guard, text string) error {
	if err := g.Note(ctx, text); err != nil {
		return err
	}
	_, err := c.pg.Exec(ctx, text).ReadAll()
	mapped, _ := c.failure(ctx, err)
	return mapped
}

// own runs a statement of the gate's own and returns its rows as text.
func (c *Conn) own(ctx context.Context, g connectors.Guard, text string, args ...string) ([][]string, error) {
	note := text
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
		note += fmt.Sprintf(" -- $%d = %s", i+1, a)
	}
	if err := g.Note(ctx, note); err != nil {
		return nil, err
	}
	rr := c.pg.ExecParams(ctx, text, values, nil, nil, nil)
	var rows [][]string
	for rr.NextRow() {
		row := make([]string, len(rr.Values()))
		for i, v := range rr.Values() {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	_, err := rr.Close()
	mapped, _ := c.failure(ctx, err)
	return rows, mapped
}

// Judge finds the facts of a statement from its text and the catalog as last
// read. It asks the target nothing and never fails but where ctx ends or the
// parser cannot be had; the facts are Unknown then, and say why.
func (c *Conn) Judge(ctx context.Context, s connectors.Statement) (policy.Facts, error) {
	j, err := c.driver.judge(ctx, s.Text)
	if err != nil {
		return resolve(unknown(err.Error()), nil), err
	}
	t := c.trace(ctx, s.Text)
	cat := c.catalog.Load()
	return t.facts(resolve(c.offered(t, c.behind(t, j)), cat), len(cat.structure.filled) > 0), nil
}

// Trace tells where a statement's values come from by its text and the catalog as
// last read, as Judge does facts.
func (c *Conn) Trace(ctx context.Context, s connectors.Statement) (*connectors.Trace, error) {
	return c.trace(ctx, s.Text).hub(), context.Cause(ctx)
}

// Catalog lists the tables and views that the login may read, by schema and name.
func (c *Conn) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	run, err := c.beginOwn(ctx)
	if err != nil {
		return nil, err
	}
	defer c.end()
	c.io <- struct{}{}
	defer func() { <-c.io }()
	rows, err := c.own(run, c.guard, describeText)
	if err != nil {
		return nil, fmt.Errorf("read the catalog of %q: %w", c.endpoint.Name, err)
	}
	var out []connectors.Relation
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].Schema != r[0] || out[n-1].Name != r[1] {
			out = append(out, connectors.Relation{Schema: r[0], Name: r[1], Kind: relationKind(r[2], r[3] == "t", r[4] == "t")})
		}
		last := &out[len(out)-1]
		last.Columns = append(last.Columns, connectors.RelationColumn{Name: r[5], Type: r[6]})
	}
	return out, nil
}

// cleaned waits until pgconn has told a target that it gave up to end what runs
// there, and then hangs up, whatever that came to.
func (c *Conn) cleaned() {
	select {
	case <-c.pg.CleanupDone():
	case <-time.After(c.driver.grace):
	}
	_ = c.pg.Conn().Close()
}

// Close cancels what runs at the target and ends the session. It may be called
// at any moment and more than once.
func (c *Conn) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.stop(errConnClosed)
	c.second.close()
	select {
	case c.io <- struct{}{}:
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		err := c.pg.Close(ctx)
		c.cleaned()
		<-c.io
		if err != nil && !c.pg.IsClosed() {
			return fmt.Errorf("close %q: %w", c.endpoint.Name, err)
		}
	case <-time.After(c.driver.grace + time.Second):
		_ = c.pg.Conn().Close()
	}
	return nil
}

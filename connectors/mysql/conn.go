package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// Conn is one session at the target, and a second one beside it.
//
// Only the goroutine that holds io uses the main line, only the one that holds side
// the second. Whoever needs both takes io first.
type Conn struct {
	grace    time.Duration // of Options
	endpoint connectors.Endpoint
	guard    connectors.Guard // of Open: for what belongs to no operation
	now      func() time.Time

	io   chan struct{}
	main *wire
	id   uint32 // the main session's number at the target

	side   chan struct{}
	second *wire

	version  string
	maria    bool
	folds    bool   // lower_case_table_names is not 0
	mode     string // sql_mode, as a list
	warnings []string

	catalog atomic.Pointer[catalog]
	dirty   atomic.Bool // the catalog must be read again

	turn connectors.Turn

	mu       sync.Mutex
	database string
	tainted  string // why names may not mean what the catalog says, "" if they do
	notices  []string
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
	_ connectors.Estimator = (*Conn)(nil)
)

var (
	errTime = errors.New("statement timeout")
)

// keptModes are the words of sql_mode that change nothing in how a text is read.
// The session keeps those of the server's, and no other.
var keptModes = set("STRICT_TRANS_TABLES STRICT_ALL_TABLES ERROR_FOR_DIVISION_BY_ZERO NO_AUTO_CREATE_USER NO_ENGINE_SUBSTITUTION NO_ZERO_DATE NO_ZERO_IN_DATE ONLY_FULL_GROUP_BY ALLOW_INVALID_DATES NO_AUTO_VALUE_ON_ZERO NO_UNSIGNED_SUBTRACTION NO_DIR_IN_CREATE SIMULTANEOUS_ASSIGNMENT TIME_TRUNCATE_FRACTIONAL")

const aboutText = "select version(), @@global.sql_mode, @@lower_case_table_names, @@global.max_allowed_packet"

// takeOver makes both sessions the gate's own and reads what the login may do, and
// the catalog.
func (c *Conn) takeOver(ctx context.Context, g connectors.Guard) error {
	rows, err := c.own(ctx, g, aboutText)
	if err != nil {
		return err
	}
	if len(rows) != 1 || len(rows[0]) != 4 {
		return malformed("it does not say what it is")
	}
	c.version, c.folds = rows[0][0], rows[0][2] != "0"
	c.maria = strings.Contains(strings.ToLower(c.version), "mariadb")
	var modes []string
	for m := range strings.SplitSeq(rows[0][1], ",") {
		if keptModes[m] {
			modes = append(modes, m)
		}
	}
	c.mode = strings.Join(modes, ",")
	text := c.sessionText(0)
	if err := g.Note(ctx, text+" -- on both sessions"); err != nil {
		return err
	}
	if err := c.failure(ctx, c.guarded(ctx, c.second, func() error { return c.second.run(text) })); err != nil {
		return err
	}
	if err := c.failure(ctx, c.guarded(ctx, c.main, func() error { return c.main.run(text) })); err != nil {
		return err
	}
	grants, err := c.own(ctx, g, "show grants")
	if err != nil {
		return err
	}
	c.warnings = excess(c.endpoint.User, grants)
	cat, err := c.readCatalog(ctx, g)
	if err != nil {
		return err
	}
	c.catalog.Store(cat)
	return nil
}

// sessionText makes a session the gate's own. It is sent before each statement
// again, with the statement's limit.
func (c *Conn) sessionText(limit time.Duration) string {
	ms := limit.Milliseconds()
	if limit > 0 && ms == 0 {
		ms = 1
	}
	text := "set names utf8mb4, sql_mode = " + quote(c.mode) + ", completion_type = 0, wait_timeout = 28800, lock_wait_timeout = 10, innodb_lock_wait_timeout = 10"
	if c.maria {
		return text + fmt.Sprintf(", idle_transaction_timeout = 60, max_statement_time = %d.%03d", ms/1000, ms%1000)
	}
	return text + fmt.Sprintf(", max_execution_time = %d", ms)
}

// powers are rights that a gate should not be given, by the words of SHOW GRANTS.
var powers = []struct{ word, says string }{
	{"ALL PRIVILEGES ON *.*", "can do anything, whatever the policy says"},
	{"SUPER", "has SUPER: it can do nearly anything"},
	{"FILE", "has FILE: it reads and writes files of the server"},
	{"PROCESS", "has PROCESS: it sees what other sessions run, with the values in it"},
	{"CREATE USER", "can make users"},
	{"SHUTDOWN", "can stop the server"},
	{"RELOAD", "has RELOAD"},
	{"WITH GRANT OPTION", "can hand its rights on"},
	{"REPLICATION SLAVE", "can read all changes as a replica does"},
}

func excess(user string, grants [][]string) []string {
	var out []string
	for _, r := range grants {
		text := strings.ToUpper(r[0])
		list, _, _ := strings.Cut(text, " ON ")
		for _, p := range powers {
			has := strings.Contains(text, p.word) && strings.Contains(p.word, " ON ") || strings.HasPrefix(p.word, "WITH") && strings.Contains(text, p.word)
			for _, w := range strings.Split(strings.TrimPrefix(list, "GRANT "), ", ") {
				has = has || w == p.word
			}
			if says := "the login " + user + " " + p.says; has && !slices.Contains(out, says) {
				out = append(out, says)
			}
		}
	}
	return out
}

// Warnings says what the login can do beyond what a gate should be given. It does
// not change.
func (c *Conn) Warnings() []string { return c.warnings }

// Login is the upstream user.
func (c *Conn) Login() string { return c.endpoint.User }

// own runs a statement of the gate's own on the second line and returns its rows.
func (c *Conn) own(ctx context.Context, g connectors.Guard, text string) ([][]string, error) {
	if err := g.Note(ctx, text); err != nil {
		return nil, err
	}
	return c.aside(ctx, text)
}

// aside is own without a note. Once the connection is open, what is asked is read to
// its end, in its time, whoever has left meanwhile: the line is needed again.
func (c *Conn) aside(ctx context.Context, text string) (rows [][]string, err error) {
	c.side <- struct{}{}
	defer func() { <-c.side }()
	run := ctx
	if c.catalog.Load() != nil {
		run = context.WithoutCancel(ctx)
	}
	err = c.guarded(run, c.second, func() error {
		rows, err = c.second.rows(text, maxCatalog)
		return err
	})
	if err == nil && ctx.Err() != nil {
		return nil, canceled(ctx)
	}
	return rows, c.failure(run, err)
}

// guarded runs what reads a line that nobody cancels at the target; ctx and
// its time cut it off, after which the line is lost.
func (c *Conn) guarded(ctx context.Context, w *wire, f func() error) error {
	if w.broken {
		return errLost
	}
	_ = w.nc.SetDeadline(time.Now().Add(c.sideTime()))
	stop := context.AfterFunc(ctx, func() { _ = w.nc.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		_ = w.nc.SetDeadline(time.Time{})
	}()
	return f()
}

// sideTime bounds what is asked over the second line.
func (c *Conn) sideTime() time.Duration { return 2 * c.grace }

var errLost = errors.New("the line to it was lost before")

// kill ends what the main session runs, as seen from the second line.
func (c *Conn) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), c.grace/2)
	defer cancel()
	if _, err := c.aside(ctx, fmt.Sprintf("kill query %d", c.id)); err != nil {
		var r *connectors.TargetError
		if !errors.As(err, &r) {
			_ = c.main.nc.Close() // nothing else is left to do
		}
	}
}

// killAgain is how long after a kill the next one is sent.
const killAgain = 500 * time.Millisecond

// watch kills what the main line runs once ctx has ended, and gives the line up
// where that does not help. A kill that comes before the statement has begun is lost,
// so it is repeated. stop must be called, once or more; no kill is under way after it.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = c.main.nc.SetReadDeadline(time.Now().Add(c.grace))
		again := time.NewTicker(killAgain)
		defer again.Stop()
		for {
			c.kill()
			select {
			case <-over:
				return
			case <-again.C:
			}
		}
	})
	return sync.OnceFunc(func() {
		if !unhook() {
			close(over)
			<-done
			_ = c.main.nc.SetReadDeadline(time.Time{})
		}
	})
}

// begin makes the caller the one operation of the connection; turn.End ends it.
func (c *Conn) begin(ctx context.Context) (run context.Context, stop context.CancelCauseFunc, err error) {
	if run, stop, err = c.turn.Begin(ctx); err == nil {
		c.mu.Lock()
		c.notices = nil
		c.mu.Unlock()
	}
	return run, stop, err
}

// place is the session's own schema, and why names may mean other tables.
func (c *Conn) place() (database, tainted string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.database, c.tainted
}

// Close cancels what runs at the target and ends both sessions. It may be called at
// any moment and more than once.
func (c *Conn) Close() error {
	if !c.turn.Close() {
		return nil
	}
	select {
	case c.io <- struct{}{}:
		quit(c.main)
		<-c.io
	case <-time.After(c.grace + time.Second):
		_ = c.main.nc.Close()
	}
	select {
	case c.side <- struct{}{}:
		quit(c.second)
		<-c.side
	case <-time.After(c.grace + time.Second):
		_ = c.second.nc.Close()
	}
	return nil
}

func quit(w *wire) {
	if w == nil {
		return
	}
	if !w.broken {
		_ = w.nc.SetDeadline(time.Now().Add(time.Second))
		_ = w.command(comQuit, "")
	}
	w.broken = true
	_ = w.nc.Close()
}

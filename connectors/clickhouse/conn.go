package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// Conn is the access to one target. There is no session at the target: each statement
// is a request of its own.
type Conn struct {
	endpoint connectors.Endpoint
	line     *line
	patience time.Duration
	now      func() time.Time
	newID    func() string

	version  string
	readonly int // the setting of the login's profile, from which settings can be changed or not
	warnings []string
	whole    url.Values // settings under which no answer is shortened in silence
	short    string     // the setting by which answers are, where it cannot be changed

	catalog atomic.Pointer[catalog]
	dirty   atomic.Bool // the catalog must be read again

	turn connectors.Turn

	mu     sync.Mutex
	closed bool
	using  sync.WaitGroup // who uses the line; no more may come once closed is set
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
)

var (
	errTime = errors.New("statement timeout")
)

// killTime is how long a statement that is to end is asked to, before the line is cut
// and the target left to itself.
const killTime = 3 * time.Second

const (
	aboutText    = "select version(), currentDatabase()"
	settingsText = "select name, value from system.settings where name in ('readonly', 'allow_introspection_functions', 'dialect', 'skip_unavailable_shards', 'partial_result_on_first_cancel', 'limit', 'offset') or name like '%overflow_mode%'"
)

// takeOver learns what the target is, what its login may do, and the catalog.
func (c *Conn) takeOver(ctx context.Context, g connectors.Guard) error {
	about, err := c.own(ctx, g, aboutText)
	if err != nil {
		return c.opened(err)
	}
	if len(about) != 1 || len(about[0]) != 2 {
		return c.opened(malformed("it does not say what it is"))
	}
	c.version = about[0][0]
	settings, err := c.own(ctx, g, settingsText)
	if err != nil {
		return c.opened(err)
	}
	if err := c.weigh(settings); err != nil {
		return c.opened(err)
	}
	cat, err := c.readCatalog(ctx, g)
	if err != nil {
		return c.opened(err)
	}
	c.catalog.Store(cat)
	return nil
}

// opened is an error of Open. Those of the guard go as they are.
func (c *Conn) opened(err error) error {
	if no, ok := noted(err); ok {
		return fmt.Errorf("open %q: %w", c.endpoint.Name, no)
	}
	return openError(c.endpoint.Name, err)
}

// weigh says what the login can do beyond what a gate should be given. A profile under
// which the server reads another language than the gate is none to go by.
func (c *Conn) weigh(settings [][]string) error {
	for _, s := range settings {
		if len(s) != 2 {
			continue
		}
		switch n, _ := strconv.Atoi(s[1]); {
		case s[0] == "readonly":
			c.readonly = n
		case s[0] == "dialect" && s[1] != "clickhouse":
			return fmt.Errorf("%w: the profile of the login %s reads statements in the dialect %q", connectors.ErrUnsupported, c.endpoint.User, s[1])
		case s[0] == "allow_introspection_functions" && n != 0:
			c.warnings = append(c.warnings, "the login "+c.endpoint.User+" may call functions that look into the server's memory")
		}
	}
	c.shortens(settings)
	major, _ := strconv.Atoi(strings.SplitN(c.version, ".", 2)[0])
	switch {
	case c.readonly == 0 && major < 20:
		c.warnings = append(c.warnings, "the login "+c.endpoint.User+" can do anything, whatever the policy says: its profile has readonly = 0, and this version of the server knows no grants")
	case c.readonly == 1:
		c.warnings = append(c.warnings, "the profile of the login "+c.endpoint.User+" has readonly = 1, which fixes all settings: limits are kept by the gate alone, and KILL QUERY may be refused")
	}
	if c.endpoint.TLS == "disable" {
		c.warnings = append(c.warnings, "without TLS the password crosses the network in clear with every statement")
	}
	return nil
}

// Warnings says what the login can do beyond what a gate should be given, and what
// makes the gate's own means weaker. It does not change.
func (c *Conn) Warnings() []string { return c.warnings }

// Login is the upstream user.
func (c *Conn) Login() string { return c.endpoint.User }

// noteError is the guard's.
type noteError struct{ error }

func (e *noteError) Unwrap() error { return e.error }

// noted returns the guard's own error, where err is one.
func noted(err error) (error, bool) {
	var n *noteError
	if errors.As(err, &n) {
		return n.error, true
	}
	return nil, false
}

// own runs a statement of the gate's own and returns its rows.
func (c *Conn) own(ctx context.Context, g connectors.Guard, text string) ([][]string, error) {
	if err := g.Note(ctx, text); err != nil {
		return nil, &noteError{err}
	}
	return c.aside(ctx, text)
}

// aside is own without a note.
func (c *Conn) aside(ctx context.Context, text string) ([][]string, error) {
	if !c.use() {
		return nil, c.turn.Gone()
	}
	defer c.using.Done()
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	return c.line.rows(ctx, request{text: text, database: c.endpoint.Database, id: c.newID(), settings: c.whole}, maxCatalog)
}

// use counts a user of the line, unless the connection is closed.
func (c *Conn) use() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.using.Add(1)
	return true
}

// kill ends a statement at the target. The server knows one only when it has read
// and parsed it, so that one that was just sent and has not answered is asked for
// again, until it has ended or the time is over.
func (c *Conn) kill(id string, answers func() bool, over <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), killTime)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		rows, err := c.line.rows(ctx, request{text: "KILL QUERY WHERE query_id = '" + id + "' ASYNC", id: c.newID()}, 100)
		if err == nil && len(rows) > 0 || answers() || errors.As(err, new(*refusal)) || errors.As(err, new(*dialError)) {
			return // it was told, or has ended, or cannot be told
		}
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// settings are those of a statement under terms. A profile that fixes them takes none.
func (c *Conn) settings(terms connectors.Terms, functions bool) url.Values {
	v := url.Values{}
	if c.readonly == 1 {
		return v
	}
	maps.Copy(v, c.whole)
	v.Set("output_format_json_quote_64bit_integers", "1")
	v.Set("output_format_json_quote_denormals", "1")
	v.Set("output_format_write_statistics", "0")
	v.Set("send_progress_in_http_headers", "0") // net/http takes no head without end
	if terms.Timeout > 0 {
		v.Set("max_execution_time", strconv.FormatInt(int64((terms.Timeout+time.Second-1)/time.Second), 10))
		v.Set("timeout_overflow_mode", "throw") // and not a shorter answer
	}
	if terms.ReadOnly && c.readonly == 0 {
		v.Set("readonly", "1")
		if functions {
			v.Set("readonly", "2") // 1 takes no table function, not even numbers()
		}
	}
	return v
}

// Close cancels what runs at the target, waits until it was told, and forgets the
// secret. It may be called at any moment and more than once.
func (c *Conn) Close() error {
	if !c.turn.Close() {
		return nil
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.using.Wait() // each user's time is bounded
	c.line.close()
	return nil
}

package tuitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
)

// DemoListings are the demo's resources, as alice sees them.
func DemoListings(now time.Time) []tui.Listing {
	rights := []policy.Right{
		{What: "read", Decision: policy.Decision{Effect: policy.Allow, Rule: "engineers-read", Limits: policy.Limits{Rows: 10000}}},
		{What: "write", Decision: policy.Decision{Effect: policy.Approve, Rule: "writes-need-dba", Approvers: []string{"dba"}},
			Except: []policy.Exception{{Effect: policy.Deny, Rule: "no-ledger", When: `"ledger" in operation.tables`}}},
		{What: "ddl", Decision: policy.Decision{Effect: policy.Deny, Rule: "no-drops"}},
		{What: "privilege", Decision: policy.Decision{Effect: policy.Deny, Rule: policy.DefaultDeny}},
		{What: "dangerous", Decision: policy.Decision{Effect: policy.Deny, Rule: policy.DefaultDeny}},
	}
	masks := []policy.MaskRule{{Name: "pii", Column: "customers.email", Method: "redact"}, {Name: "pii", Column: "customers.phone", Method: "partial"},
		{Name: "pii", Column: "*.card_number", Method: "partial"}, {Name: "pii", Column: "customers.ssn", Method: "redact"}}
	ended := &recorder.End{Reason: "closed"}
	past := recorder.Head{ID: "20261123T1100-0001", Header: recorder.Header{Started: now.Add(-3 * time.Hour)}, Ended: ended,
		EndedAt: now.Add(-3*time.Hour + 252*time.Second), Operations: 7}
	return []tui.Listing{
		{Resource: policy.Resource{Name: "demo-host", Kind: "ssh", Labels: map[string]string{"env": "dev"}}, Power: "shell",
			Description: "A small machine to try shells on.",
			Rights:      []policy.Right{{What: "shell", Decision: policy.Decision{Effect: policy.Allow, Rule: "engineers-shell"}}, {What: "exec", Decision: policy.Decision{Effect: policy.Allow, Rule: "engineers-shell"}}}},
		{Resource: policy.Resource{Name: "orders-db", Kind: "postgres", Labels: map[string]string{"env": "prod", "team": "shop"}}, Power: "sql",
			Description: "Orders and customers of the shop.", Rights: rights, Masks: masks, Detect: []string{"card", "email", "ssn"}, Sessions: []recorder.Head{past}},
		{Resource: policy.Resource{Name: "orders-lite", Kind: "sqlite", Labels: map[string]string{"env": "dev", "team": "shop"}}, Power: "sql",
			Description: "The same tables in a file, always there.", Rights: rights, Masks: masks, Detect: []string{"card", "email", "ssn"}},
		{Resource: policy.Resource{Name: "ledger", Kind: "postgres", Labels: map[string]string{"env": "prod", "team": "money"}}, Power: "sql",
			Description: "The books.", Rights: rights[:1], Unavailable: "target is unreachable: dial tcp 10.0.0.7:5432: connection refused"},
	}
}

// DemoCatalog is the demo's tables.
func DemoCatalog() []connectors.Relation {
	rel := func(name string, cols ...string) connectors.Relation {
		r := connectors.Relation{Schema: "public", Name: name, Kind: policy.TablePlain}
		for _, c := range cols {
			n, t, _ := strings.Cut(c, " ")
			r.Columns = append(r.Columns, connectors.RelationColumn{Name: n, Type: t})
		}
		return r
	}
	return []connectors.Relation{
		rel("customers", "id integer", "full_name text", "email text", "phone text", "ssn text", "card_number text", "notes text", "tier text", "country char(2)"),
		rel("orders", "id integer", "order_no text", "customer_id integer", "status text", "total numeric", "placed_at timestamptz"),
		rel("payments", "id integer", "order_id integer", "method text", "amount numeric", "card_number text"),
	}
}

// reply makes the answer to a statement.
func (w *Workspace) reply(ctx context.Context, text string) (tui.Answer, error) {
	w.open++
	a := &answer{w: w, ctx: ctx}
	s := strings.ToLower(text)
	switch {
	case strings.Contains(s, "syntax"):
		w.open--
		return nil, &connectors.TargetError{Code: "42601", Text: `syntax error at or near "syntax"`, Position: strings.Index(s, "syntax") + 1}
	case strings.Contains(s, "from big"):
		a.columns, a.total, a.row = []connectors.Column{num("n"), {Name: "text", Type: "text", Seen: shown}}, w.b.Rows, func(i int64) connectors.Row {
			return connectors.Row{cell(fmt.Sprint(i)), cell(fmt.Sprintf("row %d of many", i))}
		}
	case strings.Contains(s, "hostile"):
		a.columns, a.total, a.row = []connectors.Column{{Name: "a\x1b]0;x\x07", Seen: shown}, {Name: "b", Seen: shown}}, 2, func(i int64) connectors.Row {
			return connectors.Row{cell("\x1b[31mred\u202Eevil\u0085"), cell("\U000E0041漢字\xff\n")}
		}
	case strings.HasPrefix(s, `{"find"`):
		a.columns, a.total, a.row = []connectors.Column{num("n"), {Name: "document", Type: "object", Seen: connectors.Treatment{State: connectors.Detected}}}, 3, document
	case strings.HasPrefix(s, "select"):
		a.columns, a.total, a.row = customers(), 500, customer
	default:
		a.affected = 12400
		a.tag = "DELETE 12400"
	}
	return a, nil
}

var (
	shown  = connectors.Treatment{State: connectors.Shown}
	masked = connectors.Treatment{State: connectors.Masked, Mask: "pii", Hidden: connectors.Hidden{Method: "partial", Pattern: "customers.*", From: []string{"public.customers.phone"}}}
)

func num(name string) connectors.Column {
	return connectors.Column{Name: name, Type: "integer", Numeric: true, Seen: shown}
}

func cell(s string) connectors.Cell { return connectors.Cell{Text: s, State: connectors.Shown} }

func customers() []connectors.Column {
	text := func(name string, t connectors.Treatment) connectors.Column {
		return connectors.Column{Name: name, Type: "text", Seen: t}
	}
	return []connectors.Column{num("id"), text("full_name", shown), text("email", masked), text("phone", masked), text("ssn", masked),
		text("card_number", masked), text("notes", connectors.Treatment{State: connectors.Detected}), text("tier", shown),
		text("score", connectors.Treatment{State: connectors.Withheld, Reason: "its origin cannot be told, and the statement touches masked data"})}
}

var names = []string{"Tomas Fontaine", "Amelia Almeida", "Priya Lindqvist", "Nadia Correia", "Noor Brandt", "Diego Eriksen", "Ravi Novak", "Ingrid Klein", "李 小龍"}

func customer(i int64) connectors.Row {
	m := func(s string) connectors.Cell { return connectors.Cell{Text: s, State: connectors.Masked} }
	notes := connectors.Cell{Text: "VIP, write to [email]", State: connectors.Detected}
	if i%3 == 0 {
		notes = connectors.Cell{Null: true, State: connectors.Shown}
	}
	return connectors.Row{cell(fmt.Sprint(i + 1)), cell(names[i%int64(len(names))]), m("[masked]"), m(fmt.Sprintf("*** %04d", 2100+i)),
		m("[masked]"), m(fmt.Sprintf("************%04d", 3675+i)), notes, cell([]string{"pro", "free", "basic"}[i%3]), {Text: "[withheld]", State: connectors.Withheld}}
}

// document is a row that holds a document, parts of it masked.
func document(i int64) connectors.Row {
	text := fmt.Sprintf(`{"_id":%d,"name":%q,"mail":"[email]","lines":[{"sku":"A-1","n":2},{"sku":"B\u001b[2J-7","n":1}],"note":"%s"}`,
		i+1, names[i], strings.Repeat("as long as a line may be and longer ", 4))
	return connectors.Row{cell(fmt.Sprint(i + 1)), {Text: text, State: connectors.Detected}}
}

type answer struct {
	w        *Workspace
	ctx      context.Context
	columns  []connectors.Column
	row      func(int64) connectors.Row
	mu       sync.Mutex
	at       int64
	total    int64
	masked   int64
	held     int64
	affected int64
	tag      string
	closed   bool
}

func (a *answer) Columns() []connectors.Column { return a.columns }

func (a *answer) Batch(_ context.Context, n int) ([]connectors.Row, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return nil, connectors.ErrCanceled
	}
	var out []connectors.Row
	for len(out) < n && a.at < a.total {
		r := a.row(a.at)
		for _, c := range r {
			switch c.State {
			case connectors.Masked, connectors.Detected:
				a.masked++
			case connectors.Withheld:
				a.held++
			}
		}
		out = append(out, r)
		a.at++
	}
	if len(out) == 0 {
		if a.tag == "" {
			a.tag = fmt.Sprintf("SELECT %d", a.at)
		}
		return nil, io.EOF
	}
	return out, nil
}

func (a *answer) Summary() connectors.Summary {
	a.mu.Lock()
	defer a.mu.Unlock()
	return connectors.Summary{Tag: a.tag, Rows: a.at, Affected: a.affected, Masked: a.masked, Withheld: a.held}
}

func (a *answer) Notices() []string { return nil }

func (a *answer) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		a.w.mu.Lock()
		a.w.open--
		a.w.mu.Unlock()
	}
	return nil
}

// Door is a fake of the identity provider's side.
type Door struct {
	Flow    tui.SignIn
	Err     error // SignIn fails with it
	Backend tui.Backend
	Answer  chan error // nil lets the person in
	Asked   int
	Kept    bool // what remember said
}

// NewDoor is a door whose codes live five minutes.
func NewDoor(b tui.Backend, now time.Time) *Door {
	return &Door{Backend: b, Answer: make(chan error, 1), Flow: tui.SignIn{
		URL: "http://127.0.0.1:8080/device", CompleteURL: "http://127.0.0.1:8080/device?user_code=WDJB-MJHT", Code: "WDJB-MJHT",
		Expires: now.Add(5 * time.Minute), From: "127.0.0.1:53422", Key: "SHA256:Qm9vYmFyYmF6cXV4Y29ycGdyYXVsdGdhcnBseXdhbGRvZnJl", Remember: 8 * time.Hour}}
}

func (d *Door) SignIn(context.Context) (tui.SignIn, error) {
	d.Asked++
	return d.Flow, d.Err
}

func (d *Door) Wait(ctx context.Context, s tui.SignIn, remember func() bool) (tui.Backend, error) {
	t := time.NewTimer(time.Until(s.Expires))
	defer t.Stop()
	select {
	case err := <-d.Answer:
		d.Kept = remember()
		if err != nil {
			return nil, err
		}
		return d.Backend, nil
	case <-t.C:
		return nil, errors.New("the code expired before it was approved")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Tape builds a transcript's events.
type Tape struct {
	start  time.Time
	at     time.Duration
	Events []recorder.Event
}

// NewTape starts one.
func NewTape(h recorder.Header) *Tape {
	t := &Tape{start: h.Started}
	t.JSON(recorder.KindStart, h)
	return t
}

// Wait lets time pass.
func (t *Tape) Wait(d time.Duration) *Tape { t.at += d; return t }

// Bytes adds a raw event.
func (t *Tape) Bytes(k recorder.Kind, s string) *Tape {
	t.Events = append(t.Events, recorder.Event{Seq: uint64(len(t.Events)), At: t.start.Add(t.at), Kind: k, Data: []byte(s)})
	return t
}

// JSON adds an event with a payload.
func (t *Tape) JSON(k recorder.Kind, v any) *Tape {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the payloads are ours
	}
	return t.Bytes(k, string(b))
}

// Type adds keys, one by one.
func (t *Tape) Type(every time.Duration, keys ...string) *Tape {
	for _, k := range keys {
		t.Wait(every).Bytes(recorder.KindKey, k)
	}
	return t
}

// Head is the tape's head, ended.
func (t *Tape) Head(h recorder.Header, ops int) recorder.Head {
	return recorder.Head{ID: h.ID, Next: uint64(len(t.Events)), Header: h, Ended: &recorder.End{Reason: "closed"}, EndedAt: t.start.Add(t.at), Operations: ops}
}

// Tapes adds two stories to the bastion: alice in SQL, and alice in a shell.
func (b *Bastion) Tapes() {
	now := b.Now()
	who := recorder.Person{Issuer: "http://idp", Subject: "alice", Email: "alice@example.com"}
	h := recorder.Header{ID: "20261123T1801-0002", Started: now.Add(-90 * time.Minute), Identity: who, Resource: "orders-db", Kind: "postgres", Action: "sql", From: "127.0.0.1:53422"}
	s := func(v string) *string { return &v }
	t := NewTape(h)
	t.Type(80*time.Millisecond, strings.Split("select full_name, email from customers;", "")...).Type(80*time.Millisecond, "enter")
	t.JSON(recorder.KindOperation, recorder.Operation{Op: 1, Action: "sql", Text: "select full_name, email from customers;"})
	t.JSON(recorder.KindDecision, recorder.Decision{Op: 1, Effect: "allow", Rule: "engineers-read", Masks: []string{"pii"}})
	t.Wait(200*time.Millisecond).JSON(recorder.KindRows, recorder.Rows{Op: 1,
		Columns: []recorder.RowColumn{{Name: "full_name", Type: "text", Treatment: "shown"}, {Name: "email", Type: "text", Treatment: "masked", Mask: "pii"}},
		Rows:    [][]*string{{s("Tomas Fontaine"), s("[masked]")}, {s("Amelia Almeida"), s("[masked]")}, {s("Priya \x1b[2JLindqvist"), nil}}})
	t.JSON(recorder.KindOutcome, recorder.Outcome{Op: 1, State: "ok", Tag: "SELECT 3", Rows: 3, Masked: 3})
	t.Wait(20*time.Second).Type(80*time.Millisecond, "delete from orders;", "enter")
	t.JSON(recorder.KindOperation, recorder.Operation{Op: 2, Action: "sql", Text: "delete from orders;"})
	t.JSON(recorder.KindDecision, recorder.Decision{Op: 2, Effect: "approve", Rule: "writes-need-dba", Approval: "ap-0007"})
	t.JSON(recorder.KindApproval, policy.Approval{ID: "ap-0007", State: policy.ApprovalPending, Reason: "test data of last week"})
	t.Wait(30*time.Second).JSON(recorder.KindApproval, policy.Approval{ID: "ap-0007", State: policy.ApprovalDenied,
		Votes: []policy.Vote{{By: Bob, Comment: "use a where clause"}}})
	t.JSON(recorder.KindOutcome, recorder.Outcome{Op: 2, State: "refused", Error: "refused by bob@example.com: use a where clause"})
	t.Wait(5*time.Second).JSON(recorder.KindEnd, recorder.End{Reason: "closed"})
	b.Heads = append(b.Heads, t.Head(h, 2))
	b.Events[h.ID] = t.Events
	b.shell(who, now)
}

func (b *Bastion) shell(who recorder.Person, now time.Time) {
	h := recorder.Header{ID: "20261123T1744-0001", Started: now.Add(-2 * time.Hour), Identity: who, Resource: "demo-host", Kind: "ssh", Action: "shell", From: "127.0.0.1:53422", Width: 80, Height: 24}
	t := NewTape(h)
	t.Wait(300*time.Millisecond).Bytes(recorder.KindOutput, "\x1b]0;evil title\x07\x1b]52;c;ZXZpbA==\x07\x1b[32malice@demo-host\x1b[0m:\x1b[34m~\x1b[0m$ ")
	for _, c := range "ls -la" {
		t.Wait(120*time.Millisecond).Bytes(recorder.KindInput, string(c)).Bytes(recorder.KindOutput, string(c))
	}
	t.Wait(300*time.Millisecond).Bytes(recorder.KindInput, "\r").Bytes(recorder.KindOutput, "\r\ntotal 12\r\n\x1b[1mdrwxr-xr-x\x1b[0m 2 alice alice 4096 notes\r\n\x1b[6n\x1b[c$ ")
	t.Wait(30*time.Second).Bytes(recorder.KindInput, "exit\r").Bytes(recorder.KindOutput, "exit\r\n")
	t.Wait(500*time.Millisecond).JSON(recorder.KindEnd, recorder.End{Reason: "closed"})
	b.Heads = append(b.Heads, t.Head(h, 1))
	b.Events[h.ID] = t.Events
}

package postgres

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/policy"
)

var update = flag.Bool("update", false, "write what the server says into testdata/corpus/policy_more.jsonl")

// corpusDatabase loads the corpus' schema into a new database.
func corpusDatabase(t testing.TB) (s *pgserver.Server, name string) {
	t.Helper()
	s, name = database(t, "")
	schema, err := os.ReadFile("../../testdata/corpus/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), name, string(schema)); err != nil {
		if strings.Contains(err.Error(), "extension") {
			t.Skipf("SKIPPED: this server lacks an extension of the corpus: %v", err)
		}
		t.Fatal(err)
	}
	return s, name
}

// witness runs statements as the superuser and tells what they did.
type witness struct {
	t    testing.TB
	s    *pgserver.Server
	name string
	pg   *pgconn.PgConn

	sequence string // the sequence's state, which no rollback undoes
	baseline string // the session as it starts
}

func newWitness(t testing.TB, s *pgserver.Server, name string) *witness {
	w := &witness{t: t, s: s, name: name}
	w.connect()
	t.Cleanup(func() { _ = w.pg.Close(t.Context()) })
	return w
}

func (w *witness) connect() {
	cfg, err := pgconn.ParseConfig("host=localhost user=x sslmode=disable")
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.Host, cfg.User, cfg.Password, cfg.Database = w.s.SocketDir(), pgserver.Superuser, w.s.Password(), w.name
	cfg.TLSConfig, cfg.Fallbacks = nil, nil
	if w.pg, err = pgconn.ConnectConfig(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
	w.exec("set statement_timeout = '5s'")
	w.sequence, w.baseline = w.one(sequenceText), w.one(sessionStateText)
}

const (
	sequenceText = `select last_value || ' ' || is_called from ticket_seq`

	// What decides who one is, what names mean and what guards the session.
	sessionStateText = `select current_user || ' ' || session_user || ' ' || pg_catalog.string_agg(name || '=' || setting, ' ' order by name) from pg_catalog.pg_settings where name in ('search_path', 'row_security', 'session_replication_role', 'default_transaction_read_only', 'standard_conforming_strings', 'client_encoding')`

	// Rows changed of each table, of the catalog too, also by transactions that the
	// session has not reported yet.
	changesText = `select relname || ' ' || n_tup_ins + n_tup_upd + n_tup_del from pg_catalog.pg_stat_xact_all_tables where n_tup_ins + n_tup_upd + n_tup_del > 0`

	// What else a transaction has done so far: whether it has a number, which it gets with its first change or row lock, locks beyond
	// those of a read, and advisory locks. Channels that it will notify are not told.
	effectsText = `select 'has a transaction number' where pg_catalog.pg_current_xact_id_if_assigned() is not null
union all select distinct 'holds ' || l.mode || ' on ' || c.relname from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation where l.pid = pg_catalog.pg_backend_pid() and l.mode <> 'AccessShareLock'
union all select 'holds an advisory lock' from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid() and locktype = 'advisory'`

	digestText = `select (select pg_catalog.md5(pg_catalog.string_agg(t::text, ',' order by id)) from customers t) || (select pg_catalog.md5(pg_catalog.string_agg(t::text, ',' order by id)) from orders t) || (select pg_catalog.md5(pg_catalog.string_agg(t::text, ',' order by id)) from payments t) || (select pg_catalog.md5(pg_catalog.string_agg(t::text, ',' order by id)) from employees t) || (select pg_catalog.md5(pg_catalog.string_agg(t::text, ',' order by id)) from api_tokens t) || (select count(*) from pg_catalog.pg_class) || (select count(*) from pg_catalog.pg_proc) || (select count(*) from pg_catalog.pg_authid) || (select count(*) from pg_catalog.pg_largeobject_metadata)`
)

func (w *witness) exec(text string) {
	w.t.Helper()
	if err := w.pg.Exec(w.t.Context(), text).Close(); err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
}

func (w *witness) rows(text string) (out []string) {
	w.t.Helper()
	results, err := w.pg.Exec(w.t.Context(), text).ReadAll()
	if err != nil {
		w.t.Fatalf("%s: %v", text, err)
	}
	for _, r := range results[len(results)-1].Rows {
		out = append(out, string(r[0]))
	}
	return out
}

func (w *witness) one(text string) string {
	w.t.Helper()
	return strings.Join(w.rows(text), "\n")
}

// run runs the steps in one transaction that is rolled back, and returns what
// they did and what the server said: ok or a SQLSTATE.
func (w *witness) run(begin string, steps []string) (effects []string, said string) {
	w.t.Helper()
	w.exec(begin)
	already := w.rows(changesText)
	said = "ok"
	for _, step := range steps {
		r := w.pg.Exec(w.t.Context(), step)
		_, err := r.ReadAll()
		var pe *pgconn.PgError
		if errors.As(err, &pe) {
			said = pe.Code
		} else if err != nil {
			w.t.Fatalf("%q: %v", step, err)
		}
		if w.pg.IsClosed() { // it ended itself
			w.connect()
			return nil, said
		}
	}
	if w.pg.TxStatus() != 'E' {
		w.exec("set local statement_timeout = 0") // the statement may have set another
		effects = append(effects, w.rows(effectsText)...)
		for _, c := range w.rows(changesText) {
			if table, _, _ := strings.Cut(c, " "); !slices.Contains(already, c) {
				effects = append(effects, "changed "+table)
			}
		}
		if now := w.one(sessionStateText); now != w.baseline {
			effects = append(effects, "session "+now)
		}
	}
	for _, text := range []string{"rollback", "discard all", "set statement_timeout = '5s'"} {
		w.exec(text)
	}
	if now := w.one(sequenceText); now != w.sequence {
		effects = append(effects, "moved a sequence")
		w.sequence = now
	}
	return effects, said
}

// steps are the messages of a line, or nil for what cannot be sent here.
func (l corpusLine) steps() []string {
	switch {
	case strings.Contains(strings.ToLower(l.Input+l.SQL), "from stdin"):
		return nil // waits for data
	case l.Input != "" || l.SQL == "":
		return []string{l.Input}
	case strings.Contains(l.SQL, "-- FunctionCall"):
		return nil
	case len(l.Statements) > 0:
		return l.Statements
	}
	return []string{l.SQL}
}

// judgeSteps judges each message of a line with the catalog and without, and
// holds both to it where one says read.
func judgeSteps(t *testing.T, c *Conn, l corpusLine, steps []string) (facts []policy.Facts, class policy.Class) {
	t.Helper()
	facts, class = make([]policy.Facts, len(steps)), policy.Read
	for k, text := range steps {
		var err error
		if facts[k], err = c.Judge(t.Context(), connectors.Statement{Text: text}); err != nil {
			t.Fatal(err)
		}
		offline, err := testDriver().Classify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if l.SQL != "" && strings.HasPrefix(l.ID, "bn-") && facts[k].Class != policy.Read && !slices.Contains([]string{"UPDATE", "INSERT", "EXECUTE"}, facts[k].Verb) {
			t.Errorf("%s %q reads, and was judged %s (%s)", l.ID, text, facts[k].Class, facts[k].Why)
		}
		if offline.Class == policy.Read {
			facts[k].Class = policy.Read // both are held to it
		}
		class = policy.Worst(class, facts[k].Class)
	}
	return facts, class
}

// TestAgainstServer runs every labelled statement on a real server: what was
// judged a read, with and without a catalog, changes nothing, takes no lock and
// moves no sequence, and what a write changes is among the tables it names.
func TestAgainstServer(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a thousand statements, one after the other")
	}
	s, name := corpusDatabase(t)
	e := endpoint(s, name)
	e.User = pgserver.Superuser
	c := openAs(t, e, s.Password(), &connectortest.Guard{})
	w := newWitness(t, s, name)
	before := w.one(digestText)
	reads, writes := 0, 0
	more := corpus(t, "policy_more.jsonl")
	for i, l := range slices.Concat(more, corpus(t, "policy_public.jsonl"), corpus(t, "benign.sql.jsonl"), corpus(t, "masking_public.sql.jsonl")) {
		steps := l.steps()
		if steps == nil {
			continue
		}
		facts, class := judgeSteps(t, c, l, steps)
		if l.SQL != "" && class.Severity() >= policy.Dangerous.Severity() {
			continue // it reaches files and other servers
		}
		effects, said := w.run("begin", steps)
		if i < len(more) && *update {
			more[i].Runs, more[i].ROTxn = said, w.readOnly(steps)
		}
		switch class {
		case policy.Read:
			reads++
			if effects = slices.DeleteFunc(effects, lawful(facts)); len(effects) > 0 {
				t.Errorf("%s %q was judged a read: %q", l.ID, steps, effects)
			}
		case policy.Write:
			if len(effects) > 0 {
				writes++
			}
			w.expected(l, facts, effects)
		}
	}
	if after := w.one(digestText); after != before {
		t.Error("something was committed")
	}
	if reads < 200 || writes < 40 {
		t.Errorf("only %d reads and %d writes that changed something were tried", reads, writes)
	}
	if *update {
		writeCorpus(t, more)
	}
}

// lawful picks what a read may do: EXPLAIN locks what it plans, and a session
// may be made read-only.
func lawful(facts []policy.Facts) func(string) bool {
	return func(effect string) bool {
		return facts[0].Verb == "EXPLAIN" && strings.HasPrefix(effect, "holds Row") ||
			strings.HasPrefix(effect, "session") && strings.Contains(effect, "default_transaction_read_only=on")
	}
}

// readOnly is what the server says in a read-only transaction.
func (w *witness) readOnly(steps []string) string {
	switch _, said := w.run("begin read only", steps); said {
	case "ok":
		return "allowed"
	case "25006":
		return "refused"
	default:
		return "n/a:" + said
	}
}

// expected checks that a write changed only tables that it names as written.
func (w *witness) expected(l corpusLine, facts []policy.Facts, effects []string) {
	w.t.Helper()
	for _, e := range effects {
		table, ok := strings.CutPrefix(e, "changed ")
		if !ok {
			continue
		}
		named := slices.ContainsFunc(facts, func(f policy.Facts) bool {
			return f.Opaque || slices.ContainsFunc(f.Tables, func(t policy.Table) bool { return t.Write && t.Name == table }) ||
				f.Verb == "TRUNCATE" && strings.HasPrefix(table, "pg_") // new files
		})
		if !named && !strings.HasPrefix(table, "pg_largeobject") && !(table == "pg_class" || table == "pg_statistic") {
			w.t.Errorf("%s %q changed %s, which it does not say", l.ID, l.Input+l.SQL, table)
		}
	}
}

func writeCorpus(t testing.TB, lines []corpusLine) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if err := enc.Encode(struct {
			ID          string `json:"id"`
			Dialect     string `json:"dialect"`
			Input       string `json:"input"`
			Class       string `json:"class"`
			Destructive bool   `json:"destructive"`
			Note        string `json:"note"`
			Runs        string `json:"runs"`
			ROTxn       string `json:"ro_txn"`
		}{l.ID, l.Dialect, l.Input, l.Class, l.Destructive, l.Note, l.Runs, l.ROTxn}); err != nil {
			t.Fatal(fmt.Errorf("encode %s: %w", l.ID, err))
		}
	}
	if err := os.WriteFile("../../testdata/corpus/policy_more.jsonl", b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

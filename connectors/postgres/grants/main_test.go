package grants

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if started.Load() {
		if s, err := theServer(); err == nil {
			s.Stop()
		}
	}
	os.Exit(code)
}

var started atomic.Bool

var theServer = sync.OnceValues(func() (*pgserver.Server, error) {
	started.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return pgserver.Start(ctx, pgserver.Options{})
})

// server is the real PostgreSQL of these tests. Where there is none they are
// skipped aloud, and fail in CI.
func server(t testing.TB) *pgserver.Server {
	t.Helper()
	s, err := theServer()
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, nothing runs against PostgreSQL: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var numbers atomic.Int64

// database makes a database filled by setup as the superuser.
func database(t testing.TB, setup string) string {
	t.Helper()
	s, name := server(t), fmt.Sprintf("g%d", numbers.Add(1))
	if _, err := s.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	exec(t, name, setup)
	return name
}

func exec(t testing.TB, database, text string) {
	t.Helper()
	if err := server(t).Exec(context.WithoutCancel(t.Context()), database, text); err != nil {
		t.Fatal(err)
	}
}

// newRole names a role of its own for a test, and drops it from the database.
func newRole(t testing.TB, database string) string {
	name := fmt.Sprintf("masked %d", numbers.Add(1)) // a name that needs its quotes
	t.Cleanup(func() {
		ctx, s := context.Background(), server(t)
		_ = s.Exec(ctx, database, "drop owned by "+quote(name)+"; drop role if exists "+quote(name))
	})
	return name
}

// login is one connection, with what came beside the rows.
type login struct {
	pg  *pgconn.PgConn
	out *bytes.Buffer
}

func connect(t testing.TB, database, user, password string) *login {
	t.Helper()
	l, s := &login{out: &bytes.Buffer{}}, server(t)
	c, err := pgconn.ParseConfig("host=localhost user=x password=x dbname=x sslmode=disable passfile='' sslrootcert='' sslcert='' sslkey=''")
	if err != nil {
		t.Fatal(err)
	}
	c.Host, c.Port, c.User, c.Password, c.Database, c.TLSConfig, c.Fallbacks = s.SocketDir(), 5432, user, password, database, nil, nil
	c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		fmt.Fprintf(l.out, "NOTICE %s %s %s\n", n.Message, n.Detail, n.Hint)
	}
	c.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		fmt.Fprintf(l.out, "NOTIFY %s %s\n", n.Channel, n.Payload)
	}
	if l.pg, err = pgconn.ConnectConfig(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.pg.Close(context.Background()) })
	return l
}

func admin(t testing.TB, database string) *login {
	return connect(t, database, pgserver.Superuser, server(t).Password())
}

var _ Catalog = (*login)(nil)

func (l *login) Rows(ctx context.Context, text string, args ...string) ([][]string, error) {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	r := l.pg.ExecParams(ctx, text, values, nil, nil, nil).Read()
	var rows [][]string
	for _, raw := range r.Rows {
		row := make([]string, len(raw))
		for i, v := range raw {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, r.Err
}

func planOf(t testing.TB, columns ...string) *mask.Plan {
	t.Helper()
	rules := make([]mask.Rule, len(columns))
	for i, c := range columns {
		rules[i] = mask.Rule{Name: "personal", Column: c}
	}
	p, err := mask.NewPlan(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// makeRole runs the generated text, gives the role a password and returns its login.
func makeRole(t testing.TB, database, name string, p *mask.Plan, o Options) (text string, l *login) {
	t.Helper()
	text, err := RoleSQL(t.Context(), admin(t, database), p, name, o)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, database, text)
	if err := server(t).CreateUser(t.Context(), name, rolePassword); err != nil {
		t.Fatal(err)
	}
	return text, connect(t, database, name, rolePassword)
}

const rolePassword = "pw-Quitte-4417beef"

func corpusFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "corpus", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// corpusPlan masks the columns of sensitive.json.
func corpusPlan(t testing.TB) *mask.Plan {
	t.Helper()
	var f struct{ Sensitive []string }
	if err := json.Unmarshal(corpusFile(t, "sensitive.json"), &f); err != nil {
		t.Fatal(err)
	}
	return planOf(t, f.Sensitive...)
}

// line is one of a masking corpus.
type line struct {
	ID, Category, SQL, Check, Proto, Role string
	Statements, Leaks                     []string
	Params                                []any
}

func corpusLines(t testing.TB, name string) []line {
	t.Helper()
	var out []line
	in := bufio.NewScanner(bytes.NewReader(corpusFile(t, name)))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return out
}

// steps are the messages of a line, in order.
func (l line) steps() []string {
	if len(l.Statements) > 0 {
		return l.Statements
	}
	return strings.Split(l.SQL, ";\n")
}

package mysql

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mysql/mariaserver"
	"github.com/sallyport/sallyport/mask"
)

const driverSchema = `
create table customers (id int primary key, name varchar(100) not null, email varchar(200) unique, note text);
insert into customers select seq, concat('Name ', seq), concat('person', seq, '@secret.example'), concat('note ', seq) from seq_1_to_40;
create table counters (id int primary key, n int not null);
insert into counters values (1, 0), (2, 0);
create view mails as select id, email from customers;
`

func dial(t testing.TB, e connectors.Endpoint) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := New(Options{}).Open(ctx, e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn)
}

func plans(t testing.TB) *connectortest.Guard {
	t.Helper()
	p, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &connectortest.Guard{Seen: p, Kept: p}
}

// says runs a statement and compares what is said with parts of it; "!" before a
// part means that it may not be.
func says(t testing.TB, c *Conn, g connectors.Guard, text string, parts ...string) {
	t.Helper()
	got, err := answer(t.Context(), c, g, text)
	if err != nil {
		got += "ERROR " + err.Error()
	}
	for _, p := range parts {
		not := strings.HasPrefix(p, "!")
		if strings.Contains(got, strings.TrimPrefix(p, "!")) == not {
			t.Errorf("%s: want %q in\n%s", text, p, got)
		}
	}
}

// Of the session's settings none stays that changes how a text is read or how much
// a statement may cost.
func TestTheSessionIsTheGates(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	any := &connectortest.Guard{}
	for _, set := range []string{"set sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'", "set names latin1", "set max_statement_time = 1000", "set character_set_client = gbk"} {
		says(t, c, any, set, "TAG SET")
	}
	says(t, c, any, `select "a" '\'', @@sql_mode like '%QUOTES%', @@sql_mode like '%ESCAPES%', @@character_set_client, @@character_set_results, @@max_statement_time`, "a'|0|0|utf8mb4|utf8mb4|0.000000|")
	says(t, c, any, "set autocommit = 0", "the gate's", "not supported")
	says(t, c, any, "show warnings", "not supported")
	says(t, c, any, "show grants", "not supported", "!PASSWORD")
	says(t, c, any, "select 1; select 2", "not supported", "not one statement")
	says(t, c, any, "select /*! 1, */ 2", "not supported")
	says(t, c, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, "lock table counters write", "not supported")
}

// Beside each answer there are the target's warnings, unless they may tell of what
// is masked, or how often it is so.
func TestWarnings(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	says(t, c, plans(t), "select cast('12x' as signed)", "12|", "NOTICE WARNING: Truncated incorrect INTEGER value: '12x' (1292)")
	says(t, c, plans(t), "select cast(email as signed) from customers order by id", "!NOTICE", "!WARNING", "!person")
	says(t, c, &connectortest.Guard{}, "select cast(email as signed) from customers where id = 7", "NOTICE WARNING: Truncated incorrect INTEGER value: 'person7@secret.example'")
}

func TestTransactions(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	g := &connectortest.Guard{}
	n := func() string {
		rows, err := s.Query(t.Context(), name, "select n from counters where id = 1")
		if err != nil {
			t.Fatal(err)
		}
		return rows[0][0]
	}
	says(t, c, g, "begin", "TAG BEGIN")
	says(t, c, g, "update counters set n = 5 where id = 1", "TAG UPDATE 1 1")
	says(t, c, g, "select n from counters where id = 1", "5|")
	if n() != "0" {
		t.Error("others see what was not committed")
	}
	says(t, c, g, "rollback", "TAG ROLLBACK")
	says(t, c, g, "select n from counters where id = 1", "0|")
	says(t, c, g, "start transaction", "TAG")
	says(t, c, g, "update counters set n = 6 where id = 1", "TAG UPDATE 1 1")
	says(t, c, g, "commit", "TAG COMMIT")
	if n() != "6" {
		t.Error("the commit was none")
	}
	// How many rows were the same already is not told.
	says(t, c, g, "update counters set n = 6 where id = 1", "TAG UPDATE 1 1")
}

// A temporary table may be called like another: nothing is understood after it.
func TestTemporaryTables(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	says(t, c, &connectortest.Guard{}, "create temporary table counters (n varchar(200), id int)", "TAG CREATE TABLE")
	says(t, c, plans(t), "select n from counters", "may hold temporary tables")
	says(t, c, plans(t), "select email from customers order by id", "may hold temporary tables")
}

// What a statement was traced by is looked at again before it runs.
func TestAViewThatChangesInBetween(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	says(t, c, plans(t), "select email from mails order by id", "<[masked]>")
	if err := s.Exec(t.Context(), name, "create or replace view mails as select id, name as email from customers"); err != nil {
		t.Fatal(err)
	}
	says(t, c, plans(t), "select email from mails order by id", "has changed since the statement was judged")
	says(t, c, plans(t), "select email from mails order by id", "Name 1|")
	g := plans(t)
	g.OnPermit = func(connectors.Operation) {
		if err := s.Exec(t.Context(), name, "create or replace view mails as select id, email from customers"); err != nil {
			t.Error(err)
		}
	}
	says(t, c, g, "select email from mails order by id", "has changed since the statement was judged", "!secret")
}

func TestEstimate(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	for text, want := range map[string]int64{"delete from counters": 2, "select * from counters": 2, "update counters set n = 1 where id = 2": 1, "select 1": 1} {
		if got, err := c.Estimate(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: text}); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"insert into counters values (9, 9)", "select * from mails", "select (select 1)", "drop table counters", "nonsense"} {
		if _, err := c.Estimate(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: text}); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v, want none", text, err)
		}
	}
	says(t, c, &connectortest.Guard{}, "select database() = '"+name+"'", "1|") // the lines are their own
}

// Who leaves while the catalog is read costs the connection nothing.
func TestLeavingInBetween(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Catalog(ctx); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("catalog: %v", err)
	}
	if _, err := c.Estimate(ctx, &connectortest.Guard{}, connectors.Statement{Text: "delete from counters"}); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("estimate: %v", err)
	}
	c.dirty.Store(true)
	says(t, c, &connectortest.Guard{}, "select n from counters where id = 1", "0|")
}

// A syntax error has the server's words and its place.
func TestSyntaxErrors(t *testing.T) {
	s, name := database(t, driverSchema)
	c := dial(t, endpoint(s, name))
	_, err := answer(t.Context(), c, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, "select id\nfrom customers wher id = 1")
	var te *connectors.TargetError
	if !errors.As(err, &te) || te.Code != "42000" || te.Position != len("select id\nfrom customers wher ")+1 || !strings.Contains(te.Text, "1064") {
		t.Errorf("%#v %v", te, err)
	}
	_, err = answer(t.Context(), c, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, "handler customers open")
	if !errors.Is(err, connectors.ErrUnsupported) {
		t.Errorf("what the parser here does not take ran: %v", err)
	}
}

// Over TCP the modes of TLS are what they say, and the secret is not sent where
// anybody could read it.
func TestTLS(t *testing.T) {
	dir, port := certificates(t), freePort(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server(t) // or skip
	s, err := mariaserver.Start(ctx, mariaserver.Options{Port: port, Settings: map[string]string{
		"ssl-cert": filepath.Join(dir, "cert.pem"), "ssl-key": filepath.Join(dir, "key.pem"), "plugin-load-add": "auth_ed25519"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.Exec(ctx, "", "create database d; create user app identified by '"+appPassword+"'; grant all on d.* to app; create user ed identified via ed25519 using password('"+appPassword+"'); grant all on d.* to ed"); err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(dir, "cert.pem")
	for _, x := range []struct {
		host, tls, ca, user string
		want                error
	}{
		{"127.0.0.1", "verify-full", ca, "app", nil},
		{"127.0.0.1", "verify-full", ca, "ed", nil},
		{"127.0.0.1", "", ca, "app", nil},
		{"localhost", "verify-full", ca, "app", connectors.ErrHostKey},
		{"localhost", "verify-ca", ca, "app", nil},
		{"127.0.0.1", "verify-full", "", "app", connectors.ErrHostKey},
		{"127.0.0.1", "verify-ca", "", "app", connectors.ErrHostKey},
		{"127.0.0.1", "require", "", "app", nil},
		{"127.0.0.1", "disable", "", "app", nil},
		{"127.0.0.1", "disable", "", "ed", nil},
		{"127.0.0.1", "sometimes", "", "app", connectors.ErrUnreachable},
	} {
		e := connectors.Endpoint{Name: "m", Address: fmt.Sprintf("%s:%d", x.host, port), User: x.user, Database: "d", TLS: x.tls, TLSRootCA: x.ca}
		e.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
		}
		c, err := New(Options{}).Open(ctx, e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		if !errors.Is(err, x.want) || (err == nil) != (x.want == nil) {
			t.Errorf("%+v: %v", x, err)
		}
		if err == nil {
			got, err := answer(ctx, c, &connectortest.Guard{}, "show session status like 'ssl_version'")
			if tls := strings.Contains(got, "TLSv1."); err != nil || tls == (x.tls == "disable") {
				t.Errorf("%+v: %s %v", x, got, err)
			}
			_ = c.Close()
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// certificates makes one that signs itself, for 127.0.0.1.
func certificates(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "maria"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "maria-tls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		// The server runs as another user.
		if err := errors.Join(os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o644), os.Chmod(dir, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

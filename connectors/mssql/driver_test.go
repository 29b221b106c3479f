package mssql

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/mask"
)

func open(t testing.TB, e connectors.Endpoint, g *connectortest.Guard) *Conn {
	t.Helper()
	c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn)
}

// ask runs a text and returns its rows as lines, its notices and its error.
func ask(t testing.TB, c *Conn, g *connectortest.Guard, text string) (string, error) {
	t.Helper()
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
	if err != nil {
		return "", err
	}
	defer r.Close()
	var b strings.Builder
	for {
		rows, err := r.Batch(t.Context(), 50)
		for _, row := range rows {
			for _, cell := range row {
				b.WriteString(cell.Text + "|")
			}
			b.WriteString("\n")
		}
		for _, n := range r.Notices() {
			b.WriteString("NOTICE " + n + "\n")
		}
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
	}
}

// anything permits what it is asked, as no real gate does.
func anything() *connectortest.Guard {
	return &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
}

func published(t testing.TB) map[string][]byte { return transcript(t, "testdata/ms-tds.txt") }

func transcript(t testing.TB, file string) map[string][]byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := tdstest.Transcript(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tapped keeps what is written to a line.
type tapped struct {
	net.Conn
	mu      *sync.Mutex
	written *bytes.Buffer
}

func (c tapped) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.written.Write(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// TestPublished reads the packets that MS-TDS shows of real servers, and compares what
// is sent with those that it shows of clients.
func TestPublished(t *testing.T) {
	p := published(t)
	const sparse = "SELECT id, sparsePropertySet FROM t"
	const foo = "\nselect 'foo' as 'bar'\n        "
	const slow = "SELECT COUNT(*) FROM dbo.n a CROSS JOIN dbo.n b CROSS JOIN dbo.n c CROSS JOIN dbo.n d WHERE a.i + b.i + c.i + d.i < 0"
	var cancelAt func()
	s := server(t, tdstest.Options{OnBatch: func(text string) {
		if text == slow {
			cancelAt()
		}
	}, RawLogin: p["4.4 login response"][8:], Setup: "create table dbo.n (i int); with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) insert into dbo.n select i from n",
		Raw: map[string][]byte{foo: p["4.7 batch response"][8:], sparse: p["4.15 sparse column select"][8:], "EXEC p": p["4.9 RPC response"][8:]}})
	e := endpoint(s)
	var mu sync.Mutex
	var written bytes.Buffer
	e.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return tapped{c, &mu, &written}, err
	}
	c := open(t, e, &connectortest.Guard{})
	got, err := ask(t, c, anything(), foo)
	if err != nil || got != "foo|\n" {
		t.Errorf("%q, %v", got, err)
	}
	mu.Lock()
	// The library's transaction descriptor and count of requests are its own.
	request := p["4.6 batch request"]
	if sent := written.Bytes(); !bytes.Contains(sent, request[:18]) || !bytes.Contains(sent, request[30:]) {
		t.Error("a batch is not sent as it is published")
	}
	written.Reset()
	mu.Unlock()
	got, err = ask(t, c, anything(), sparse)
	want := "1|<sparseProp1>1000</sparseProp1><sparseProp2>foo</sparseProp2>|\n2|<sparseProp1>1000</sparseProp1>|\n3|<sparseProp2>abcd</sparseProp2>|\n4||\n5||\n6||\n7||\n8||\n9||\n10||\n"
	if err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := ask(t, c, anything(), "EXEC p"); err != nil || got != "" {
		t.Errorf("a procedure: %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancelAt = cancel
	if _, err := c.Query(ctx, &connectortest.Guard{}, connectors.Statement{Text: slow}); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("cancelled: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !bytes.Contains(written.Bytes(), p["4.10 attention request"]) {
		t.Error("attention is not sent as it is published")
	}
}

// certificate is one for localhost, signed by itself, and the file that trusts it.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}

// TestTLS: what a server must prove before the password goes to it.
func TestTLS(t *testing.T) {
	own, file := certificate(t)
	_, other := certificate(t)
	plain := server(t, tdstest.Options{})
	secure := server(t, tdstest.Options{TLS: own})
	must := server(t, tdstest.Options{TLS: own, RequireTLS: true})
	strict := server(t, tdstest.Options{TLS: own, Strict: true})
	for _, c := range []struct {
		name, mode, root string
		s                *tdstest.Server
		want             error
	}{
		{"verified", "verify-full", file, secure, nil},
		{"by default", "", file, secure, nil},
		{"chain alone", "verify-ca", file, secure, nil},
		{"encrypted alone", "require", "", secure, nil},
		{"required by the server", "verify-full", file, must, nil},
		{"strict", "strict", file, strict, nil},
		{"the login alone", "disable", "", secure, nil},
		{"none", "disable", "", plain, nil},
		{"another authority", "verify-full", other, secure, connectors.ErrHostKey},
		{"the system's authorities", "verify-full", "", secure, connectors.ErrHostKey},
		{"strict, another authority", "strict", other, strict, connectors.ErrHostKey},
		{"no TLS there", "verify-full", file, plain, connectors.ErrHostKey},
		{"no TLS there, unverified", "require", "", plain, connectors.ErrHostKey},
		{"strict where it is not", "strict", file, secure, connectors.ErrUnreachable},
	} {
		e := endpoint(c.s)
		e.TLS, e.TLSRootCA = c.mode, c.root
		conn, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		if conn != nil {
			got, err := ask(t, conn.(*Conn), &connectortest.Guard{}, "SELECT 1 AS x")
			if err != nil || got != "1|\n" {
				t.Errorf("%s: %q, %v", c.name, got, err)
			}
			_ = conn.Close()
		}
		if c.want == nil && err != nil || !errors.Is(err, c.want) || err != nil && strings.Contains(err.Error(), appPassword) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestRouted: a server that sends the session on to another address is not followed.
func TestRouted(t *testing.T) {
	elsewhere := server(t, tdstest.Options{})
	s := server(t, tdstest.Options{Route: elsewhere.Address()})
	dialed := 0
	e := endpoint(s)
	e.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed++
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	_, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
	if !errors.Is(err, connectors.ErrUnreachable) || !strings.Contains(err.Error(), "another address") || dialed != 1 {
		t.Errorf("dialed %d times: %v", dialed, err)
	}
}

func TestNoDomainNorInstance(t *testing.T) {
	s := server(t, tdstest.Options{})
	for address, want := range map[string]error{`host\INST`: connectors.ErrUnreachable, "": connectors.ErrUnreachable, "host:0": connectors.ErrUnreachable} {
		e := endpoint(s)
		e.Address = address
		if _, err := New(Options{}).Open(t.Context(), e, mask.NewSecret(nil), &connectortest.Guard{}); !errors.Is(err, want) {
			t.Errorf("%q: %v", address, err)
		}
	}
	e := endpoint(s)
	e.User = `ACME\sa`
	if _, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{}); !errors.Is(err, connectors.ErrCredential) {
		t.Errorf("a login of a domain: %v", err)
	}
}

func TestReadIntent(t *testing.T) {
	s := server(t, tdstest.Options{})
	e := endpoint(s)
	_ = open(t, e, &connectortest.Guard{}).Close()
	if s.ReadOnly() {
		t.Error("the login says that only reads are meant")
	}
	e.ReadIntent = true
	_ = open(t, e, &connectortest.Guard{}).Close()
	if !s.ReadOnly() {
		t.Error("the login does not say that only reads are meant")
	}
}

// TestTransactions: the requester's own stand until they say so; reads see them.
func TestTransactions(t *testing.T) {
	s := server(t, tdstest.Options{Setup: "create table dbo.t (id int primary key, a int); insert into dbo.t values (1, 1)"})
	c := open(t, endpoint(s), &connectortest.Guard{})
	g := &connectortest.Guard{}
	for _, step := range []struct{ text, want string }{
		{"BEGIN TRAN", ""}, {"UPDATE dbo.t SET a = 2 WHERE id = 1", ""}, {"SELECT a FROM dbo.t", "2|\n"}, {"ROLLBACK", ""}, {"SELECT a FROM dbo.t", "1|\n"},
		{"BEGIN TRANSACTION", ""}, {"UPDATE dbo.t SET a = 3 WHERE id = 1", ""}, {"COMMIT", ""}, {"SELECT a FROM dbo.t", "3|\n"},
	} {
		if got, err := ask(t, c, g, step.text); err != nil || got != step.want {
			t.Fatalf("%s: %q, %v, want %q", step.text, got, err, step.want)
		}
	}
}

// TestTainted: after what is not understood nothing is traced, and a text that is not
// permitted changes nothing.
func TestTainted(t *testing.T) {
	s := server(t, tdstest.Options{Setup: suiteSchema, Raw: map[string][]byte{"EXEC p": {0xfd, 0, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0}}})
	c := open(t, endpoint(s), &connectortest.Guard{})
	if tr, _ := c.Trace(t.Context(), connectors.Statement{Text: "SELECT email FROM dbo.customers"}); !tr.Understood() {
		t.Fatal(tr.Why)
	}
	if _, err := ask(t, c, anything(), "EXEC p"); err != nil {
		t.Fatal(err)
	}
	if tr, _ := c.Trace(t.Context(), connectors.Statement{Text: "SELECT email FROM dbo.customers"}); tr.Understood() {
		t.Error("the session is trusted after a procedure")
	}
}

// TestNotices: messages come with the answer, and not with one that touches what is
// masked.
func TestNotices(t *testing.T) {
	s := server(t, tdstest.Options{})
	c := open(t, endpoint(s), &connectortest.Guard{})
	if got, err := ask(t, c, anything(), "PRINT 'mind the gap'"); err != nil || got != "NOTICE mind the gap\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestBelt: what ran as a read is rolled back, and what comes after it stands.
func TestBelt(t *testing.T) {
	s := server(t, tdstest.Options{Setup: "create table dbo.t (id int primary key, a int); insert into dbo.t values (1, 1), (2, 1)"})
	c := open(t, endpoint(s), &connectortest.Guard{})
	wrong := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true} }}
	var te *connectors.TargetError
	if _, err := ask(t, c, wrong, "UPDATE dbo.t SET a = 2 WHERE id = 1"); !errors.As(err, &te) || !strings.Contains(te.Text, "rolled back") {
		t.Errorf("a change that was taken for a read: %v", err)
	}
	if _, err := ask(t, c, &connectortest.Guard{}, "UPDATE dbo.t SET a = 3 WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	rows, err := s.Rows("select a from dbo.t order by id")
	if err != nil || rows[0][0] != "1" || rows[1][0] != "3" {
		t.Errorf("%v, %v; want 1 and 3", rows, err)
	}
}

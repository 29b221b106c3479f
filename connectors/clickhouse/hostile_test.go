package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// hostile answers the gate's first questions as a server does, and all else as f does.
func hostile(t testing.TB, f http.HandlerFunc) connectors.Endpoint {
	t.Helper()
	return pretended(t, "", f)
}

// pretended is hostile with settings of the login's profile.
func pretended(t testing.TB, settings string, f http.HandlerFunc) connectors.Endpoint {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		var names []string
		switch text {
		case aboutText:
			fmt.Fprint(w, `{"meta":[{"name":"v","type":"String"},{"name":"d","type":"String"}],"data":[["99.9","d"]],"rows":1}`)
			return
		case settingsText:
			fmt.Fprintf(w, `{"meta":[{"name":"name","type":"String"},{"name":"value","type":"String"}],"data":[%s]}`, settings)
			return
		case tablesText:
			names = []string{"database", "name", "engine"}
		case columnsText:
			names = []string{"a", "b", "c", "d", "e", "f", "g"}
		}
		if names == nil {
			f(w, r)
			return
		}
		var meta []map[string]string
		for _, n := range names {
			meta = append(meta, map[string]string{"name": n, "type": "String"})
		}
		b, _ := json.Marshal(meta)
		fmt.Fprintf(w, `{"meta":%s,"data":[],"rows":0}`, b)
	}))
	t.Cleanup(s.Close)
	return connectors.Endpoint{Name: "hostile", Address: s.Listener.Addr().String(), User: "app", Database: "d", TLS: "disable"}
}

// TestHostileOpen holds that each peer that is no ClickHouse is told apart.
func TestHostileOpen(t *testing.T) {
	for _, k := range []struct {
		name, says string
		want       error
	}{
		{"another protocol", "SSH-2.0-OpenSSH_9.2\r\n", connectors.ErrProtocol},
		{"another HTTP server", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", connectors.ErrProtocol},
		{"a page that is not there", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", connectors.ErrProtocol},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", connectors.ErrProtocol},
		{"an endless head", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20), connectors.ErrProtocol},
		{"nothing", "", connectors.ErrUnreachable},
		{"a wrong password", "HTTP/1.1 403 Forbidden\r\nContent-Length: 57\r\n\r\nCode: 516. DB::Exception: app: Authentication failed (X.)", connectors.ErrCredential},
		{"an error in the format", "HTTP/1.1 500 X\r\nContent-Length: 72\r\n\r\n" + `{"meta":[],"data":[],"rows":0,"exception":"Code: 516. DB::Exception: x"}`, connectors.ErrCredential},
		{"no answer", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", connectors.ErrProtocol},
		{"another answer", "HTTP/1.1 200 OK\r\nContent-Length: 62\r\n\r\n" + `{"meta":[{"name":"v","type":"String"}],"data":[["x"]],"rows":1}`, connectors.ErrProtocol},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4<<10))
				_, _ = io.WriteString(c, k.says)
				_ = c.Close()
			}
		}()
		_, err = New(Options{}).Open(t.Context(), connectors.Endpoint{Name: "x", Address: l.Addr().String(), User: "app", TLS: "disable"}, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		if !errors.Is(err, k.want) || strings.Contains(err.Error(), appPassword) {
			t.Errorf("%s: %v, want %v", k.name, err, k.want)
		}
		_ = l.Close()
		<-done
	}
}

// TestHostileAnswers holds that an answer which is not whole is an error and shows no
// more rows than came whole, and that what is too large is cut off.
func TestHostileAnswers(t *testing.T) {
	const head = `{"meta":[{"name":"a","type":"String"}],"data":[["one"]`
	broken := errors.New("a target's error")
	for _, k := range []struct {
		name, body string
		rows       int
		want       error
		text       string
	}{
		{"whole", head + `],"rows":1}`, 1, nil, ""},
		{"nothing at all", "", 0, connectors.ErrProtocol, ""},
		{"white space", " \n", 0, connectors.ErrProtocol, ""},
		{"cut in a row", head + `,["tw`, 1, connectors.ErrProtocol, ""},
		{"cut after the rows", head + `]`, 1, connectors.ErrProtocol, ""},
		{"an error in a row", head + `,["twCode: 241, e.displayText() = DB::Exception: Memory limit exceeded, e.what() = DB::Exception` + "\n", 1, broken, "Memory limit exceeded (241)"},
		{"an error after a row", head + "\nCode: 395. DB::Exception: boom. (X) (version 24.1.1 (official build))\n", 1, broken, "boom. (X) (395)"},
		{"an error in the format", head + `],"rows":1,"exception":"Code: 395. DB::Exception: boom"}`, 1, broken, "boom (395)"},
		{"a text like an error", `{"meta":[{"name":"a","type":"String"}],"data":[["Code: 1, DB::Exception: x"]],"rows":1}`, 1, nil, ""},
		{"fewer rows than it says", head + `],"rows":2}`, 1, connectors.ErrProtocol, ""},
		{"more cells", `{"meta":[{"name":"a","type":"String"}],"data":[["one","two"]],"rows":1}`, 0, connectors.ErrProtocol, ""},
		{"fewer cells", `{"meta":[{"name":"a","type":"String"},{"name":"b","type":"String"}],"data":[["one"]],"rows":1}`, 0, connectors.ErrProtocol, ""},
		{"no columns", `{"meta":[],"data":[[]],"rows":1}`, 0, connectors.ErrProtocol, ""},
		{"rows before columns", `{"data":[["one"]],"meta":[]}`, 0, connectors.ErrProtocol, ""},
		{"another format", "one\ttwo\n", 0, connectors.ErrProtocol, ""},
		{"two answers", head + `],"rows":1}{}`, 1, connectors.ErrProtocol, ""},
		{"nested too deeply", `{"meta":[{"name":"a","type":"String"}],"data":[[` + strings.Repeat("[", 10_000), 0, connectors.ErrProtocol, ""},
		{"a huge value", head + `,["` + strings.Repeat("x", maxValue+10) + `"]],"rows":2}`, 1, connectors.ErrProtocol, ""},
		{"an escape that is none", head + `,["\q"]],"rows":2}`, 1, connectors.ErrProtocol, ""},
		{"half a character", head + `,["\ud83d"]],"rows":2}`, 2, nil, ""},
	} {
		e := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, k.body) })
		c := open(t, e, &connectortest.Guard{})
		rows, err := ask(t, c, &connectortest.Guard{}, "select a")
		var te *connectors.TargetError
		switch {
		case k.want == nil && err != nil, k.want != nil && err == nil:
			t.Errorf("%s: %v", k.name, err)
		case errors.Is(k.want, broken) && (!errors.As(err, &te) || te.Error() != k.text):
			t.Errorf("%s: %v, want %s", k.name, err, k.text)
		case k.want != nil && !errors.Is(k.want, broken) && !errors.Is(err, k.want):
			t.Errorf("%s: %v, want %v", k.name, err, k.want)
		}
		if len(rows) != k.rows {
			t.Errorf("%s: %d rows, want %d", k.name, len(rows), k.rows)
		}
		_ = c.Close()
	}
}

// TestDialect holds that no server is gone by which reads another language.
func TestDialect(t *testing.T) {
	for settings, want := range map[string]error{`["dialect","clickhouse"],["readonly","0"]`: nil, `["dialect","prql"]`: connectors.ErrUnsupported} {
		c, err := New(Options{}).Open(t.Context(), pretended(t, settings, http.NotFound), mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", settings, err)
		}
		if err == nil {
			_ = c.Close()
		}
	}
}

// TestEndless reads an answer without end: memory stays, and what is not wanted any
// more is ended.
func TestEndless(t *testing.T) {
	ended := make(chan struct{})
	e := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "output_format") {
			defer close(ended)
			_, _ = io.WriteString(w, `{"meta":[{"name":"a","type":"String"}],"data":[["x"]`)
			line := `,["` + strings.Repeat("x", 1000) + `"]`
			for {
				if _, err := io.WriteString(w, line); err != nil {
					return
				}
			}
		}
		_, _ = io.WriteString(w, "") // KILL QUERY, which it does not care for
	})
	c := open(t, e, &connectortest.Guard{})
	r, err := c.Query(t.Context(), &connectortest.Guard{Discard: true}, connectors.Statement{Text: "select a"})
	if err != nil {
		t.Fatal(err)
	}
	var base uint64
	for i := range 200 {
		if _, err := r.Batch(t.Context(), 500); err != nil {
			t.Fatal(err)
		}
		var m runtime.MemStats
		if i%50 == 10 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			if base == 0 {
				base = m.HeapAlloc
			}
			if m.HeapAlloc > base+8<<20 {
				t.Fatalf("the heap holds %d MiB more", (m.HeapAlloc-base)>>20)
			}
		}
	}
	_ = r.Close()
	<-ended
}

// TestSilent is a target that takes a statement and says nothing: it can be left.
func TestSilent(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	e := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "output_format") {
			close(asked)
			<-r.Context().Done()
			close(ended)
			return
		}
		_, _ = io.WriteString(w, `{"meta":[{"name":"kill_status","type":"String"}],"data":[["waiting"]],"rows":1}`)
	})
	c := open(t, e, &connectortest.Guard{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	g := &connectortest.Guard{}
	if _, err := c.Query(ctx, g, connectors.Statement{Text: "insert into t values (1)"}); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v", err)
	}
	<-ended
}

// TestTLS puts a TLS server before the real one: it is known by its certificate or not
// at all, and the password goes to nobody else.
func TestTLS(t *testing.T) {
	s, name := database(t)
	target := &url.URL{Scheme: "http", Host: s.Address()}
	var asked int
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	proxy.Config.ErrorLog = nil
	proxy.StartTLS()
	defer proxy.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	e := endpoint(s, name)
	e.Address, e.TLS, e.TLSRootCA = proxy.Listener.Addr().String(), "verify-full", ca
	c := open(t, e, &connectortest.Guard{})
	if rows, err := ask(t, c, &connectortest.Guard{}, "select 1"); err != nil || fmt.Sprint(rows) != "[1]" {
		t.Errorf("%v, %v", rows, err)
	}
	_ = c.Close()
	for _, k := range []struct {
		name string
		set  func(*connectors.Endpoint)
		want error
	}{
		{"an unknown authority", func(e *connectors.Endpoint) { e.TLSRootCA = "" }, connectors.ErrHostKey},
		{"another name", func(e *connectors.Endpoint) {
			_, port, _ := net.SplitHostPort(e.Address)
			e.Address = "localhost:" + port
			e.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, proxy.Listener.Addr().String())
			}
		}, connectors.ErrHostKey},
		{"a server without TLS", func(e *connectors.Endpoint) { e.Address = s.Address() }, connectors.ErrProtocol},
	} {
		asked = 0
		e := e
		k.set(&e)
		_, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		if !errors.Is(err, k.want) || asked > 0 {
			t.Errorf("%s: %v, %d requests came through", k.name, err, asked)
		}
	}
}

// FuzzAnswer holds that nothing panics, that it does not matter how an answer is cut on
// its way, and that what is taken for whole is JSON with those cells.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"meta":[{"name":"a","type":"String"}],"data":[["one"],[null],["\u00e9\n"]],"rows":3}`,
		`{"meta":[{"name":"a","type":"Array(UInt8)"}],"data":[[[1,2]],[[]]],"rows":2,"totals":[[3]]}`,
		"{\n\t\"meta\":\n\t[\n\t\t{\n\t\t\t\"name\": \"a\",\n\t\t\t\"type\": \"UInt8\"\n\t\t}\n\t],\n\n\t\"data\":\n\t[\n\t\t[1],\n\t\t[-2.5e3]\n\t],\n\n\t\"rows\": 2\n}\n",
		`{"meta":[{"name":"a","type":"String"}],"data":[["xCode: 5, e.displayText() = DB::Exception: y`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		whole, err := drained(bytes.NewReader(body))
		split, err2 := drained(iotest.OneByteReader(bytes.NewReader(body)))
		if fmt.Sprint(whole) != fmt.Sprint(split) || (err == nil) != (err2 == nil) {
			t.Fatalf("%q, %v; byte by byte %q, %v", whole, err, split, err2)
		}
		if err != nil || len(bytes.TrimSpace(body)) == 0 {
			return
		}
		var v struct{ Data [][]json.RawMessage }
		if json.Unmarshal(body, &v) != nil {
			return // it is laxer than JSON with words and numbers, which it hands on as they stand
		}
		if len(v.Data) != len(whole) {
			t.Fatalf("%d rows, want %d", len(whole), len(v.Data))
		}
		for i, row := range v.Data {
			var s string
			if len(row) == 1 && json.Unmarshal(row[0], &s) == nil && string(row[0]) != "null" && s != whole[i] {
				t.Fatalf("row %d: %q, want %q", i, whole[i], s)
			}
		}
	})
}

func drained(r io.Reader) (rows []string, err error) {
	a, err := newAnswer(&http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(r)})
	if err != nil {
		return nil, err
	}
	for {
		vals, err := a.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		var cells []string
		for _, v := range vals {
			cells = append(cells, string(v.Bytes))
		}
		rows = append(rows, strings.Join(cells, "\x00"))
	}
}

// TestDisagrees holds that an answer which is described in another way than the
// statement was read does not show under masks.
func TestDisagrees(t *testing.T) {
	p := plan(t, mask.Rule{Name: "m", Column: "t.c"})
	for _, k := range []struct {
		meta, row string
		refused   bool
	}{
		{`{"name":"a","type":"UInt8"}`, `[1]`, false},
		{`{"name":"b","type":"UInt8"}`, `[1]`, true},
		{`{"name":"a","type":"UInt8"},{"name":"b","type":"UInt8"}`, `[1,2]`, true},
	} {
		e := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"meta":[%s],"data":[%s],"rows":1}`, k.meta, k.row)
		})
		c := open(t, e, &connectortest.Guard{})
		rows, err := ask(t, c, &connectortest.Guard{Seen: p, Kept: p}, "select 1 as a")
		if refused := errors.As(err, new(*policy.Refusal)); refused != k.refused || refused && len(rows) > 0 || !refused && err != nil {
			t.Errorf("%s: %v, %v", k.meta, rows, err)
		}
		_ = c.Close()
	}
}

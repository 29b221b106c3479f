package audit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func lines(texts ...string) (out [][]byte) {
	for _, s := range texts {
		out = append(out, []byte(s+"\n"))
	}
	return out
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	ok(t, os.WriteFile(path, []byte("{}\n{\"cut"), 0o600))
	f := NewFile(path)
	ok(t, f.Send(t.Context(), lines("1", "2")))
	content := func(path, want string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil || string(b) != want {
			t.Errorf("%s has %q, want %q, %v", path, b, want, err)
		}
	}
	content(path, "{}\n{\"cut\n1\n2\n")
	ok(t, os.Rename(path, path+".1"))
	ok(t, f.Send(t.Context(), lines("3")))
	f.Reopen()
	ok(t, f.Send(t.Context(), lines("4")))
	content(path, "3\n4\n")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	ok(t, f.Close())
	ok(t, os.Chmod(path, 0o644))
	if err := f.Send(t.Context(), lines("5")); err == nil {
		t.Error("written where others read")
	}
	content(path, "3\n4\n")
}

func TestWebhook(t *testing.T) {
	var got []string
	status := http.StatusInternalServerError
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(b))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	w := NewWebhook(srv.URL+"/hunter2", func(context.Context) (http.Header, error) { return http.Header{"Authorization": {"Bearer x"}}, nil })
	for _, status = range []int{http.StatusInternalServerError, http.StatusFound} {
		if err := w.Send(t.Context(), lines("1")); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("answer %d: %v", status, err)
		}
	}
	status = http.StatusNoContent
	ok(t, w.Send(t.Context(), lines("1", "2")))
	if len(got) != 3 || got[2] != "POST Bearer x application/x-ndjson 1\n2\n" {
		t.Errorf("posted %q", got)
	}
	srv.Close()
	if err := w.Send(t.Context(), lines("1")); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("no server: %v", err)
	}
	ok(t, w.Close())
}

var rfc5424 = regexp.MustCompile(`^<109>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ my_app \d+ audit - (.*)$`)

func message(t *testing.T, m string) string {
	t.Helper()
	f := rfc5424.FindStringSubmatch(m)
	if f == nil {
		t.Fatalf("no message of RFC 5424: %q", m)
	}
	return f[1]
}

func TestSyslogDatagrams(t *testing.T) {
	for _, network := range []string{"udp", "unix"} {
		var l net.PacketConn
		var err error
		address := ""
		if network == "udp" {
			l, err = net.ListenPacket("udp", "127.0.0.1:0")
			ok(t, err)
			address = "udp://" + l.LocalAddr().String()
		} else {
			path := filepath.Join(t.TempDir(), "log")
			l, err = net.ListenPacket("unixgram", path)
			ok(t, err)
			address = "unix://" + path
		}
		s, err := NewSyslog(address, "my app")
		ok(t, err)
		ok(t, s.Send(t.Context(), lines("one", "two")))
		b := make([]byte, 1<<16)
		for _, want := range []string{"one", "two"} {
			n, _, err := l.ReadFrom(b)
			ok(t, err)
			if got := message(t, string(b[:n])); got != want {
				t.Errorf("%s: %q, want %q", network, got, want)
			}
		}
		ok(t, s.Close())
		ok(t, l.Close())
	}
}

// TestSyslogStream: octets are counted, and after the server closed the connection
// the next batch goes over a new one.
func TestSyslogStream(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	s, err := NewSyslog("tcp://"+l.Addr().String(), "my app")
	ok(t, err)
	for round := range 2 {
		ok(t, s.Send(t.Context(), lines("one", "zwölf\tüber")))
		conn, err := l.Accept()
		ok(t, err)
		r := bufio.NewReader(conn)
		for _, want := range []string{"one", "zwölf\tüber"} {
			var n int
			_, err := fmt.Fscanf(r, "%d ", &n)
			ok(t, err)
			b := make([]byte, n)
			_, err = io.ReadFull(r, b)
			ok(t, err)
			if got := message(t, string(b)); got != want {
				t.Errorf("round %d: %q, want %q", round, got, want)
			}
		}
		ok(t, conn.Close())
	}
	ok(t, s.Close())
	l.Close()
	if err := s.Send(t.Context(), lines("one")); err == nil {
		t.Error("sent to nobody")
	}
}

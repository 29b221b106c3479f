package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/config"
)

// TestAudit: a file, a webhook that fails at first, and syslog over UDP are told the
// same, as a configuration says; `check` tries them and tells of one that is held up.
func TestAudit(t *testing.T) {
	posted := make(chan string, 100)
	failures := 1
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get("Authorization") != "Bearer quince-5150":
			w.WriteHeader(http.StatusUnauthorized)
		case failures > 0:
			failures--
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			posted <- string(b)
		}
	}))
	defer hook.Close()
	datagrams, err := net.ListenPacket("udp", "127.0.0.1:0")
	fatal(t, err)
	defer datagrams.Close()
	dir := t.TempDir()
	token, path, file := filepath.Join(dir, "token"), filepath.Join(dir, "sallyport.yaml"), filepath.Join(dir, "audit.jsonl")
	fatal(t, os.WriteFile(token, []byte("Bearer quince-5150\n"), 0o600))
	fatal(t, os.WriteFile(path, fmt.Appendf(nil, `%saudit:
  - {file: audit.jsonl, statements: true}
  - {syslog: "udp://%s"}
  - webhook: {url: "%s/in", headers: {Authorization: {file: token}}}
`, retained, datagrams.LocalAddr(), hook.URL), 0o600))
	cfg, err := config.Load(path)
	fatal(t, err)
	fatal(t, os.MkdirAll(cfg.Data, 0o700))
	var logged bytes.Buffer
	e, err := openEvidence(cfg, slog.New(slog.NewTextHandler(&logged, nil)))
	fatal(t, err)
	tr, err := e.Begin(t.Context(), recorder.Header{Resource: "orders-db", Kind: "sqlite", Identity: recorder.Person{Subject: "u1", Email: "alice@example.com"}})
	fatal(t, err)
	fatal(t, tr.Record(t.Context(), recorder.KindOperation, recorder.Operation{Op: 1, Action: "sql", Text: "delete from orders", SHA256: "abc"}))
	fatal(t, tr.Record(t.Context(), recorder.KindDecision, recorder.Decision{Op: 1, Effect: "deny", Rule: "engineers/no-wipes"}))
	fatal(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	const want = 4
	var web string
	for strings.Count(web, "\n") < want {
		web += <-posted
	}
	var udp string
	b := make([]byte, 1<<16)
	for range want {
		n, _, err := datagrams.ReadFrom(b)
		fatal(t, err)
		_, text, _ := strings.Cut(string(b[:n]), " audit - ")
		udp += text + "\n"
	}
	fatal(t, e.Close("stop"))
	onDisk, err := os.ReadFile(file)
	fatal(t, err)
	if web != udp {
		t.Errorf("webhook and syslog differ:\n%s\n%s", web, udp)
	}
	for name, text := range map[string]string{"file": string(onDisk), "webhook": web} {
		lines := 0
		for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); lines++ {
			if !strings.Contains(s.Text(), fmt.Sprintf(`"id":"%s/%d"`, tr.ID(), lines)) {
				t.Errorf("%s: line %d is %s", name, lines, s.Text())
			}
		}
		if lines != want || !strings.Contains(text, `"effect":"deny","rule":"engineers/no-wipes"`) || strings.Contains(text, "delete from") != (name == "file") {
			t.Errorf("%s was told:\n%s", name, text)
		}
	}
	if s := logged.String(); !strings.Contains(s, "is held up") || !strings.Contains(s, "goes on") || strings.Contains(s, "quince") {
		t.Errorf("the log: %s", s)
	}
	hook.Close()
	var out bytes.Buffer
	run(t.Context(), []string{"check", "--config", path}, stdio{strings.NewReader(""), &out, &out})
	for _, want := range []string{"ok    audit file " + file, "ok    audit syslog udp://", "FAIL  audit webhook 127.0.0.1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("check lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "quince") {
		t.Errorf("check shows a secret:\n%s", out.String())
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServeDayByDay: a bastion that runs removes what is past its keep when it
// starts and once a day, by the configuration that is in force then; and at a hangup
// it reads that anew and opens the audit file anew, which somebody moved away.
func TestServeDayByDay(t *testing.T) {
	posted := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		for l := range strings.Lines(string(b)) {
			posted <- l
		}
	}))
	defer hook.Close()
	told := func(what string) string {
		t.Helper()
		limit := time.After(patience)
		for {
			select {
			case l := <-posted:
				if strings.Contains(l, what) {
					return l
				}
			case <-limit:
				t.Fatalf("nothing says %q", what)
			}
		}
	}
	dir := t.TempDir()
	path, data, file := filepath.Join(dir, "sallyport.yaml"), filepath.Join(dir, "data"), filepath.Join(dir, "audit.jsonl")
	write := func(keep string) {
		text := strings.Replace(retained, "keep: 30d", "keep: "+keep, 1)
		fatal(t, os.WriteFile(path, fmt.Appendf(nil, "%saudit:\n  - {file: audit.jsonl}\n  - webhook: {url: %q}\n", text, hook.URL), 0o600))
	}
	write("30d")
	const day = 24 * time.Hour
	recordedAgo(t, data, map[string]time.Duration{"scratch": 40 * day})
	recordedAgo(t, data, map[string]time.Duration{"scratch": 20 * day})

	ctx, stop := context.WithCancel(t.Context())
	days, ready, ended := make(chan time.Time), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- serve(ctx, serveOptions{config: path, listen: "127.0.0.1:0", log: slog.New(slog.DiscardHandler), days: days,
			ready: func(net.Addr, string) { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	removed := `"transcripts removed"`
	if l := told(removed); !strings.Contains(l, `"1"`) {
		t.Errorf("at the start: %s", l)
	}
	fatal(t, os.Rename(file, file+".1"))
	write("10d")
	fatal(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	told(`"policy reloaded"`)
	passing := make(chan struct{})
	go func() { // the first days may pass before the reload is over
		for {
			select {
			case days <- time.Now():
			case <-passing:
				return
			}
		}
	}()
	told(removed)
	close(passing)
	var now string
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		b, _ := os.ReadFile(file)
		if now = string(b); strings.Contains(now, removed) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	old, err := os.ReadFile(file + ".1")
	fatal(t, err)
	if strings.Count(string(old), removed) != 1 || strings.Count(now, removed) != 1 {
		t.Errorf("the file that was moved away says\n%s\nand the new one\n%s", old, now)
	}
	stop()
	fatal(t, <-ended)
	if got := said(t, 0, "verify", "--data", data); !strings.Contains(got, "2 transcripts were removed by retention") {
		t.Error(got)
	}
}

package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// heard is a log whose lines can be waited for.
type heard chan string

func (h heard) Write(b []byte) (int, error) {
	h <- string(b)
	return len(b), nil
}

func (h heard) wait(t *testing.T, what string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case l := <-h:
			if strings.Contains(l, what) {
				return
			}
		case <-limit:
			t.Fatalf("nothing says %q", what)
		}
	}
}

// TestIncludedIsMended: a configuration that is refused for a file which it includes
// only now is taken as soon as that file is right; nobody touches the main one again.
func TestIncludedIsMended(t *testing.T) {
	dir := t.TempDir()
	path, more, listed := filepath.Join(dir, "sallyport.yaml"), filepath.Join(dir, "more.yaml"), filepath.Join(dir, "hosts.yaml")
	write := func(path, text string) {
		t.Helper()
		fatal(t, os.WriteFile(path+".new", []byte(text), 0o600))
		fatal(t, os.Rename(path+".new", path))
	}
	write(path, retained)
	log := make(heard, 1000)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- serve(ctx, serveOptions{config: path, listen: "127.0.0.1:0", log: slog.New(slog.NewTextHandler(log, nil)), ready: func(net.Addr, string) { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	write(more, "roles: {")
	write(path, retained+"include: [more.yaml]\n")
	log.wait(t, "configuration refused")
	write(more, "groups: []\n")
	log.wait(t, "configuration reloaded")

	write(listed, "resources: {")
	write(path, retained+"inventory: [{path: hosts.yaml, template: {kind: postgres, user: app}}]\n")
	log.wait(t, "configuration refused")
	write(listed, "resources: []\n")
	log.wait(t, "configuration reloaded")
	stop()
	fatal(t, <-ended)
}

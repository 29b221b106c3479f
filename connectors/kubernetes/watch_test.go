package kubernetes

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// An event of a watch is held to be shown: one without an end took all memory.
func TestAnEventWithoutAnEnd(t *testing.T) {
	sent := 0
	fake := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" {
			_, _ = io.WriteString(w, "{}")
			return
		}
		few, many := `{"type":"BOOKMARK","object":{"a":"`+strings.Repeat("x", 200<<10)+`"}}`, strings.Repeat("0,", 1<<19)
		for range 100 { // many small ones are no long one
			_, _ = io.WriteString(w, few)
		}
		_, _ = io.WriteString(w, `{"type":"ADDED","object":{"a":[`)
		for sent = 0; sent < 4*maxEvent; {
			n, err := io.WriteString(w, many)
			if sent += n; err != nil {
				return
			}
		}
	}))
	defer fake.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: fake.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Discard: true}
	c, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Name: "x", Address: fake.Listener.Addr().String(), TLSRootCA: ca}, mask.NewSecret([]byte("token")), g)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	seen := 0
	l := &job{c: c.(*Conn), ctx: t.Context(), g: g}
	err = l.follow(request{method: "GET", target: "/api/v1/pods?watch=true"}, func(string, []byte) error { seen++; return nil })
	_ = c.Close()
	fake.Close()
	if !errors.Is(err, connectors.ErrProtocol) || seen != 100 || sent >= 4*maxEvent {
		t.Errorf("%v, after %d events, %d bytes sent", err, seen, sent)
	}
}

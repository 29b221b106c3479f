package kubernetes

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
)

const shopMaps = "/api/v1/namespaces/" + kubetest.Namespace + "/configmaps"

// TestSuite proves requests against a real API server. What is typed as lines of
// kubectl is proved by this package's other tests.
func TestSuite(t *testing.T) {
	s := theCluster(t)
	for _, o := range []string{
		`{"metadata":{"name":"suite-read"},"data":{"a":"b"}}`,
		`{"metadata":{"name":"suite-masked"},"data":{"name":"Ann","pin":"pin-of-ann","note":"mail ann@example.com","zip":"Bob"}}`,
	} {
		if err := s.Create(t.Context(), shopMaps, o); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Pod(t.Context(), "flood", "", "app"); err != nil {
		t.Fatal(err)
	}
	read, _, err := s.Do(t.Context(), "GET", shopMaps+"/suite-read", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := endpoint(s)
	wrongCA := e
	wrongCA.TLSRootCA = ""
	connectortest.Run(t, connectortest.Target{
		Driver: New(Options{}), Endpoint: e, Secret: s.Token(kubetest.Admin),
		Faults: []connectortest.Fault{
			{Name: "wrong token", Endpoint: e, Secret: "wrong-Quince-5150", Want: connectors.ErrCredential},
			{Name: "another authority", Endpoint: wrongCA, Secret: s.Token(kubetest.Admin), Want: connectors.ErrHostKey},
		},
		Cannot: map[connectortest.Property]string{
			connectortest.Property(connectortest.ToForward): "upgraded connections do not go by a dialer of the suite's; TestForward, TestForwardRefused and TestForwardEnds prove it",
		},
		Active: func(t testing.TB) int { return following(t, s) },
		Notes: []string{
			"kubernetes: exec, logs, port-forward and the rest of kubectl's lines are one power of its own (connectors.Commander), whose properties the package's own tests prove: TestDeniedNeverArrives, TestSecretsAreSealed, TestVanished, TestCancel, TestTerminal, TestNoRecord, TestNothingStays, TestHostileAnswers.",
		},
		Web: &connectortest.Web{
			Action: "kubernetes", Read: "GET " + shopMaps + "/suite-read", Status: 200, Body: string(read), Missing: "GET " + shopMaps + "/suite-none",
			Effect:  "POST " + shopMaps + "\n\n" + `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"suite-effect-","labels":{"suite":"effect"}}}`,
			Observe: func(t testing.TB) string { return effects(t, s) },
			Slow:    "GET /api/v1/namespaces/" + kubetest.Namespace + "/pods/web-1/log?container=app&follow=true", Endless: true,
			Large: func(n int) string {
				if err := os.Truncate(s.LogFile("flood", "app"), int64(n)); err != nil {
					t.Error(err)
				}
				return "GET /api/v1/namespaces/" + kubetest.Namespace + "/pods/flood/log?container=app"
			},
			Plan:   mask.Options{Detect: []string{"email"}, Paths: []mask.PathRule{{Name: "pins", Path: "$.data.pin"}}},
			Masked: func(int) string { return "GET " + shopMaps + "/suite-masked" }, Pieces: 1, // the server's own
			Cleartext: []string{"pin-of-ann", "ann@example.com"}, Remains: []string{`"Ann"`, `"Bob"`},
			Faults: []connectortest.WebFault{oversized(t)},
		},
	})
}

// effects tells how often the suite's effect was had.
func effects(t testing.TB, s *kubetest.Server) string {
	b, _, err := s.Do(t.Context(), "GET", shopMaps+"?labelSelector=suite%3Deffect", "", nil)
	var list struct{ Items []json.RawMessage }
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(len(list.Items))
}

// following counts the logs that the API server is asked for now.
func following(t testing.TB, s *kubetest.Server) int {
	b, _, err := s.Do(t.Context(), "GET", "/metrics", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if l := lines.Text(); strings.HasPrefix(l, "apiserver_longrunning_requests{") && strings.Contains(l, `subresource="log"`) {
			var one int
			if _, err := fmt.Sscan(l[strings.LastIndexByte(l, ' ')+1:], &one); err != nil {
				t.Fatal(err)
			}
			n += one
		}
	}
	return n
}

// oversized is a server whose answers have a head without end.
func oversized(t *testing.T) connectortest.WebFault {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			w.Header().Set("X-Long", strings.Repeat("x", 12<<20))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return connectortest.WebFault{Name: "the head is too long", Text: "GET /api", Want: connectors.ErrProtocol, Proves: connectortest.Oversized,
		At: &connectors.Endpoint{Name: "cluster", Address: server.Listener.Addr().String(), TLSRootCA: ca}}
}

package http

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

const canary = "c4nary/+credential=4711"

// customers is a document with a value at each of two masked paths, and one that a
// detector finds.
const customers = `{"customers":[{"id":1,"name":"Ann","pin":"pin-of-ann","cards":{"main":"pin-of-card"},"note":"mail ann\u0040example.com"},{"id":2,"name":"Bob","pin":4711004711}],"total":2}`

// service is a small HTTP service, as the suite needs one.
type service struct {
	effects, active, conns atomic.Int64
	release                chan struct{}
	// wants is the value of Authorization that it asks for, "" for none.
	wants string
}

func newService(wants string) *service {
	return &service{wants: wants, release: make(chan struct{}, 1)}
}

func (s *service) connState(_ net.Conn, st nethttp.ConnState) {
	switch st {
	case nethttp.StateNew:
		s.conns.Add(1)
	case nethttp.StateClosed, nethttp.StateHijacked:
		s.conns.Add(-1)
	}
}

func (s *service) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	if s.wants != "" && r.Header.Get("Authorization") != s.wants {
		w.Header().Set("WWW-Authenticate", "Bearer")
		nethttp.Error(w, "who are you?", nethttp.StatusUnauthorized)
		return
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	n, _ := strconv.Atoi(rest)
	flush := nethttp.NewResponseController(w)
	switch first {
	case "read":
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "hello\n")
	case "effect":
		fmt.Fprintf(w, "%d\n", s.effects.Add(1))
	case "stream":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: first\n\n")
		_ = flush.Flush()
		select {
		case <-s.release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "data: second\n\n")
	case "slow":
		s.active.Add(1)
		defer s.active.Add(-1)
		fmt.Fprint(w, "head\n")
		_ = flush.Flush()
		<-r.Context().Done()
	case "large":
		w.Header().Set("Content-Type", "text/plain")
		line := []byte(strings.Repeat("0123456789abcde\n", 4096))
		for n > 0 {
			k, err := w.Write(line[:min(n, len(line))])
			if err != nil {
				return
			}
			n -= k
		}
	case "masked":
		w.Header().Set("Content-Type", "application/json")
		for rest := customers; rest != ""; rest = rest[min(n, len(rest)):] {
			fmt.Fprint(w, rest[:min(n, len(rest))])
			_ = flush.Flush()
		}
	case "echo":
		b, _ := httputil.DumpRequest(r, true)
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s\n%s\n%x\n", b, base64.StdEncoding.EncodeToString(b), b)
	case "status":
		w.WriteHeader(n)
		fmt.Fprintf(w, "status %d\n", n)
	case "to":
		w.Header().Set("Location", r.URL.Query().Get("l"))
		w.WriteHeader(n)
	case "head":
		w.Header().Set("X-Long", strings.Repeat("x", 300<<10))
	case "raw":
		conn, _, err := flush.Hijack()
		if err != nil {
			return
		}
		raw, _ := base64.URLEncoding.DecodeString(rest)
		_, _ = conn.Write(raw)
		_ = conn.Close()
	default:
		nethttp.NotFound(w, r)
	}
}

// raw is a request that is answered with these bytes.
func raw(answer string) string {
	return "GET /raw/" + base64.URLEncoding.EncodeToString([]byte(answer))
}

// certifier signs certificates for tests.
type certifier struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its certificate
}

func newCertifier(t testing.TB) *certifier {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &certifier{key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue returns certificate and key, in PEM.
func (a *certifier) issue(t testing.TB, name string, until time.Time) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if name == "localhost" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, k.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder})
}

// start serves and returns the endpoint, for a credential by bearer.
func start(t testing.TB, s nethttp.Handler, ca *certifier, change func(*httptest.Server)) connectors.Endpoint {
	t.Helper()
	srv := httptest.NewUnstartedServer(s)
	if svc, ok := s.(*service); ok {
		srv.Config.ConnState = svc.connState
	}
	srv.Config.ErrorLog = nil
	e := connectors.Endpoint{Name: "api", HTTP: &connectors.HTTPTarget{Auth: "bearer", Loopback: true}}
	if ca == nil {
		if change != nil {
			change(srv)
		}
		srv.Start()
	} else {
		cert, key := ca.issue(t, "localhost", time.Now().Add(time.Hour))
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		srv.EnableHTTP2 = true
		if change != nil {
			change(srv)
		}
		srv.StartTLS()
		e.TLSRootCA = ca.file
	}
	t.Cleanup(srv.Close)
	e.Address = srv.URL
	return e
}

func secretOf(b []byte) func(context.Context) (mask.Secret, error) {
	return func(context.Context) (mask.Secret, error) { return mask.NewSecret(append([]byte(nil), b...)), nil }
}

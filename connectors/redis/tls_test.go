package redis

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
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/redis/redisserver"
	"github.com/sallyport/sallyport/mask"
)

// certificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cache"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o644); err != nil { // for the server's user, in this test alone
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}

// TestTLS: a server is known by its certificate before it gets the password.
func TestTLS(t *testing.T) {
	server(t) // or there is none
	dir, err := os.MkdirTemp("", "redis-tls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := redisserver.Start(ctx, redisserver.Options{Settings: [][]string{{"tls-port", fmt.Sprint(port)}, {"tls-cert-file", cert}, {"tls-key-file", key}, {"tls-auth-clients", "no"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for name, c := range map[string]struct {
		tls, root string
		want      error
	}{
		"verified":          {"", cert, nil},
		"chain alone":       {"verify-ca", cert, nil},
		"not verified":      {"require", "", nil},
		"unknown authority": {"", "", connectors.ErrHostKey},
		"without TLS":       {"disable", "", connectors.ErrUnreachable},
	} {
		e := connectors.Endpoint{Name: "cache", Address: address, TLS: c.tls, TLSRootCA: c.root}
		conn, err := New().Open(ctx, e, mask.NewSecret([]byte(s.Password())), &connectortest.Guard{})
		if err == nil {
			if rows, _, err := ask(t, conn, &connectortest.Guard{}, "PING"); err != nil || rows[1][0] != "PONG" {
				t.Errorf("%s: %v, %v", name, rows, err)
			}
			_ = conn.Close()
		}
		if c.want == nil && err != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	plain := connectors.Endpoint{Name: "cache", Address: address, TLSRootCA: cert}
	_, e := pretend(t, good)
	plain.Address = e.Address
	if _, err := New().Open(ctx, plain, mask.NewSecret([]byte(s.Password())), &connectortest.Guard{}); !errors.Is(err, connectors.ErrProtocol) && !errors.Is(err, connectors.ErrUnreachable) {
		t.Errorf("a server without TLS where it is asked for: %v", err)
	}
}

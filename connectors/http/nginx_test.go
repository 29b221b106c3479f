package http

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// nginxConfig is a proxy with TLS and HTTP/2 before the service, with a password of
// its own, files, a page that compresses, and redirects.
const nginxConfig = `
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  default_type text/plain;
  server {
    listen 127.0.0.1:%[2]s ssl http2;
    listen 127.0.0.2:%[2]s ssl http2;
    ssl_certificate %[1]s/cert.pem;
    ssl_certificate_key %[1]s/key.pem;
    ssl_client_certificate %[1]s/ca.pem;
    ssl_verify_client optional;
    auth_basic "billing";
    auth_basic_user_file %[1]s/passwords;
    root %[1]s/files;
    location = /none { return 404; }
    location = /who { return 200 "$ssl_client_verify $ssl_client_s_dn $http2\n"; }
    location = /zip { gzip on; gzip_min_length 1; gzip_types *; alias %[1]s/files/big.json; default_type application/json; }
    location = /away { return 302 https://example.com/; }
    location = /here { return 301 /read; }
    location = /status/401 { auth_basic off; return 401; }
    location / { proxy_pass http://%[3]s; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_set_header Connection ""; }
    location /files/ { root %[1]s; }
  }
}
`

// startNginx starts nginx before the service and returns the endpoint.
func startNginx(t testing.TB, service string) connectors.Endpoint {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; exec.Command(program, "-v").Run() != nil {
			if os.Getenv("CI") != "" {
				t.Fatal("nginx is missing: testdata/tools/need.sh installs it")
			}
			t.Skip("nginx is missing: testdata/tools/need.sh installs it")
		}
	}
	ca, dir := newCertifier(t), t.TempDir()
	cert, key := ca.issue(t, "localhost", time.Now().Add(time.Hour))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = l.Close()
	authority, err := os.ReadFile(ca.file)
	if err != nil {
		t.Fatal(err)
	}
	clientCert, clientKey := ca.issue(t, "bastion", time.Now().Add(time.Hour))
	for name, text := range map[string][]byte{
		"cert.pem": cert, "key.pem": key, "ca.pem": authority, "client.pem": clientCert, "client.key": clientKey,
		"passwords": []byte("deploy:{PLAIN}" + canary + "\n"), "nginx.conf": fmt.Appendf(nil, nginxConfig, dir, port, service),
		"files/big.json": []byte(`{"pin":"pin-of-ann","list":[` + strings.Repeat(`{"a":"some text"},`, 5000) + `0]}`),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // its worker is another account's
		for at := dir; at != "/" && at != os.TempDir(); at = filepath.Dir(at) {
			_ = os.Chmod(at, 0o755)
		}
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf"), "-p", dir)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-done
	})
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			break
		}
		select {
		case <-done:
			t.Fatalf("nginx ended: %s", said.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return connectors.Endpoint{Name: "api", Address: "https://localhost:" + port, User: "deploy", TLSRootCA: ca.file,
		HTTP: &connectors.HTTPTarget{Auth: "basic", Loopback: true, Certificate: filepath.Join(dir, "client.pem")}}
}

// behindNginx is the service with nginx before it.
func behindNginx(t testing.TB) (*service, connectors.Endpoint) {
	s := newService("")
	e := start(t, s, nil, nil)
	return s, startNginx(t, strings.TrimPrefix(e.Address, "http://"))
}

// TestSuiteNginx proves the kind against nginx: TLS, HTTP/2, a password of its own.
func TestSuiteNginx(t *testing.T) {
	s, e := behindNginx(t)
	at := target(s, e)
	at.Sessions = nil // those of the proxy
	at.Web.Faults = []connectortest.WebFault{{Name: "the credential is refused", Text: "GET /status/401\n\n", Want: connectors.ErrCredential}}
	other := e
	other.Address = strings.Replace(e.Address, "localhost", "127.0.0.2", 1)
	at.Faults = []connectortest.Fault{{Name: "another name", Endpoint: other, Secret: canary, Want: connectors.ErrHostKey}, wrong(e)}
	at.Cannot = map[connectortest.Property]string{connectortest.Oversized.Of(connectortest.ToRequest): "nginx itself refuses a head of that length"}
	connectortest.Run(t, at)
}

// TestNginx: a certificate of the bastion's own, a compressed file, redirects, a
// wrong password.
func TestNginx(t *testing.T) {
	_, e := behindNginx(t)
	key, err := os.ReadFile(strings.TrimSuffix(e.HTTP.Certificate, "pem") + "key")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "m", Path: "$.pin"}}})
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, e, canary, &connectortest.Guard{})
	if out, err := follow(t.Context(), conn, &connectortest.Guard{}, "GET /who\n\n"); err != nil || out.String() != "NONE  h2\n" {
		t.Errorf("without a certificate: %q, %v", out, err)
	}
	e.HTTP.Key = secretOf(key)
	conn = open(t, e, canary, &connectortest.Guard{})
	if out, err := follow(t.Context(), conn, &connectortest.Guard{}, "GET /who\n\n"); err != nil || out.String() != "SUCCESS CN=bastion h2\n" {
		t.Errorf("with a certificate: %q, %v", out, err)
	}
	out, err := follow(t.Context(), conn, &connectortest.Guard{Seen: plan, Kept: plan}, "GET /zip\n\n")
	if err != nil || !strings.HasPrefix(out.String(), `{"pin":"[masked]","list":[`) || out.Len() < 50_000 {
		t.Errorf("a compressed file: %.60q, %v", out, err)
	}
	if out, err = follow(t.Context(), conn, &connectortest.Guard{}, "GET /here\n\n"); err != nil || out.String() != "hello\n" {
		t.Errorf("a redirect: %q, %v", out, err)
	}
	if out, err = follow(t.Context(), conn, &connectortest.Guard{}, "GET /away\n\n"); err != nil || out.status != 302 {
		t.Errorf("a redirect away: %q, %v", out, err)
	}
	conn = open(t, e, "a wrong password", &connectortest.Guard{})
	if out, err = follow(t.Context(), conn, &connectortest.Guard{}, "GET /read\n\n"); !errors.Is(err, connectors.ErrCredential) || out.status != nethttp.StatusUnauthorized {
		t.Errorf("a wrong password: %d, %v", out.status, err)
	}
}

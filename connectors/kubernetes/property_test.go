package kubernetes

import (
	"encoding/pem"
	"errors"
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

// A Secret's values are in nothing that a person sees and in nothing that is kept,
// whatever the form in which the Secret is asked for.
func TestSecretsAreSealed(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	for _, line := range []string{
		"get secrets", "get secret db", "get secret db -o json", "get secret db -o yaml", "get secret db -o jsonpath={.data.password}", "get secrets -o json", "get secrets,configmaps -o yaml", "get secrets -o table",
		"get secrets -o wide -A", "describe secret db", "describe secrets", "label secret db a=b", "annotate secret db note=x", `patch secret db -p {"metadata":{"labels":{"c":"d"}}}`, "get events -o json", "delete secret db --dry-run=server",
	} {
		s := kubectl(t, c, g, "", strings.Fields(line)...)
		if s.fault != nil {
			t.Errorf("%s: %v", line, s.fault)
		}
		hidden(t, line, s.out.String()+s.err.String())
	}
	for _, text := range []string{
		"GET /api/v1/namespaces/shop/secrets/db", "GET /api/v1/secrets", "GET /api/v1/namespaces/shop/secrets/db?pretty=true",
		"GET /api/v1/namespaces/shop/secrets\nAccept: application/json;as=Table;v=v1;g=meta.k8s.io",
		"GET /api/v1/namespaces/shop/secrets?includeObject=Object\nAccept: application/json;as=Table;v=v1;g=meta.k8s.io",
		"GET /api/v1/namespaces/shop/secrets\nAccept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
		"GET /api/v1/namespaces/shop/secrets?watch=true&timeoutSeconds=1", "GET /api/v1/watch/namespaces/shop/secrets?timeoutSeconds=1",
		"PATCH /api/v1/namespaces/shop/secrets/db\nContent-Type: application/merge-patch+json\n\n{\"metadata\":{\"labels\":{\"x\":\"y\"}}}",
		"PUT /api/v1/namespaces/shop/secrets/db\n\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"db\"},\"type\":\"nonsense/x\",\"data\":{\"password\":\"bm90IGhlcmU=\"}}",
	} {
		var out bytesWriter
		err := c.Request(t.Context(), g, text, &out)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		hidden(t, text, out.text.String())
	}
	hidden(t, "the record", recorded(g))
}

func hidden(t *testing.T, where, text string) {
	t.Helper()
	for _, value := range []string{canary, canaryBase64, "canary-7f3a91"} {
		if strings.Contains(text, value) {
			t.Errorf("%s: a Secret's value is in %.2000q", where, text)
			return
		}
	}
}

type bytesWriter struct {
	text   lockedText
	status int
}

func (b *bytesWriter) Head(status int, _ []connectors.Field) error { b.status = status; return nil }
func (b *bytesWriter) Write(p []byte) (int, error)                 { return b.text.Write(p) }

// A Secret that is made by apply is not told again, and neither is one that the
// server refuses.
func TestSecretsAreNotEchoed(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	made := "apiVersion: v1\nkind: Secret\nmetadata: {name: made}\nstringData: {password: " + canary + "}\n"
	s := kubectl(t, c, g, made, "apply", "-f", "-", "-o", "json")
	if s.fault != nil || !strings.Contains(s.out.String(), `"name": "made"`) {
		t.Fatalf("%v %s", s.fault, s.out.String())
	}
	hidden(t, "apply", s.out.String())
	s = kubectl(t, c, g, "apiVersion: v1\nkind: Secret\nmetadata: {name: wrong}\ntype: "+canary+"?\ndata: {\""+canary+"/\": \"!!\"}\n", "apply", "-f", "-")
	if s.fault == nil {
		t.Fatal("it was taken")
	}
	hidden(t, "a refusal", s.fault.Error())
	for _, p := range g.Permits() {
		_, out, _ := p.Streams()
		hidden(t, "what is kept of the answer", out)
	}
	if s := kubectl(t, c, g, "", "delete", "secret", "made"); s.fault != nil {
		t.Error(s.fault)
	}
}

// A token that the API server makes is for nobody's eyes.
func TestTokensAreSealed(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	if err := theCluster(t).Create(t.Context(), "/api/v1/namespaces/shop/serviceaccounts", `{"metadata":{"name":"robot"}}`); err != nil {
		t.Fatal(err)
	}
	var out bytesWriter
	err := c.Request(t.Context(), g, "POST /api/v1/namespaces/shop/serviceaccounts/robot/token\n\n{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{}}", &out)
	if err != nil || out.status != http.StatusCreated {
		t.Fatal(err, out.status, out.text.String())
	}
	if strings.Contains(out.text.String()+recorded(g), "eyJ") {
		t.Errorf("a token shows: %s", out.text.String())
	}
}

// What is denied never arrives: the API server's own record has nothing of it.
func TestDeniedNeverArrives(t *testing.T) {
	refusal := errors.New("refused by rule no")
	g := &connectortest.Guard{Judge: func(o connectors.Operation) error {
		if strings.Contains(o.Text, "denied") {
			return refusal
		}
		return nil
	}}
	c := dial(t, g, kubetest.Dev)
	for _, line := range []string{"get pod denied-1", "delete pod denied-1", "exec denied-1 -- id", "logs denied-1", "describe pod denied-1", "get pods -l app=denied", "patch pod denied-1 -p {\"a\":1}"} {
		if s := kubectl(t, c, g, "", strings.Fields(line)...); !errors.Is(s.fault, refusal) {
			t.Errorf("%s: %v", line, s.fault)
		}
	}
	// The connection lives on, and the record has come this far.
	if s := kubectl(t, c, g, "", "get", "pod", "web-1"); s.fault != nil {
		t.Error(s.fault)
	}
	events, err := theCluster(t).Audit()
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, e := range events {
		seen = seen || strings.Contains(e.RequestURI, "/pods/web-1")
		if strings.Contains(e.RequestURI, "denied") {
			t.Errorf("it arrived: %+v", e)
		}
	}
	if !seen {
		t.Error("the server's record has nothing at all")
	}
}

// What could be read otherwise, or opens a channel, is not sent at all.
func TestUnsupported(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Dev)
	before, _ := theCluster(t).Audit()
	for _, text := range []string{
		"GET /api/v1/namespaces/shop/pods/../secrets", "GET /api/v1//pods", "GET /api/v1/namespaces/shop/pods/web-1/exec?command=id&stdout=1", "POST /api/v1/namespaces/shop/pods/web-1/attach",
		"GET /api/v1/namespaces/shop/pods/web-1/proxy/x", "GET /api/v1/nodes/node-1/proxy/exec", "GET /api/v1/proxy/nodes/node-1", "GET /api/v1/pods\nImpersonate-User: admin", "GET /api/v1/pods\nAuthorization: Bearer x",
		"GET /api/v1/pods\nAccept: application/yaml", "GET /api/v1/pods\nAccept: application/vnd.kubernetes.protobuf", "GET /api/v1/pods\nAccept: application/cbor", "GET https://elsewhere/api", "nonsense",
		"GET /api/v1/pods\nUpgrade: websocket", "TRACE /api/v1/pods", "OPTIONS /api/v1/pods", "CONNECT /api/v1/pods", "GET /api/v1/pods?a=b#c", "GET /api/v1/pods#c", "GET //elsewhere/api/v1/pods",
		"GET /api/v1/namespaces/shop/%73ecrets",
	} {
		var out bytesWriter
		if err := c.Request(t.Context(), g, text, &out); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if after, _ := theCluster(t).Audit(); len(after) != len(before) {
		t.Errorf("%d requests arrived", len(after)-len(before))
	}
}

// The ways in which nothing comes of it are told apart.
func TestErrors(t *testing.T) {
	s := theCluster(t)
	g := &connectortest.Guard{}
	open := func(change func(*connectors.Endpoint), secret string) error {
		e := endpoint(s)
		if change != nil {
			change(&e)
		}
		c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(secret)), g)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	const wrong = "wrong-token-canary-51"
	other := httptest.NewTLSServer(http.NotFoundHandler())
	defer other.Close()
	otherCA := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(otherCA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	config := string(s.Kubeconfig(kubetest.Admin))
	for name, test := range map[string]struct {
		err  error
		want error
	}{
		"a wrong token":            {open(nil, wrong), connectors.ErrCredential},
		"no credential":            {open(nil, ""), connectors.ErrCredential},
		"half a certificate":       {open(nil, "-----BEGIN CERTIFICATE-----\n"+wrong+"\n-----END CERTIFICATE-----"), connectors.ErrCredential},
		"an exec plug-in":          {open(nil, strings.Replace(config, `"token":`, `"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"touch","args":["/tmp/x"]},"was":`, 1)), connectors.ErrCredential},
		"no verification":          {open(nil, strings.Replace(config, `"server":`, `"insecure-skip-tls-verify":true,"server":`, 1)), connectors.ErrCredential},
		"no kubeconfig":            {open(nil, "a: [b: "+wrong), connectors.ErrCredential},
		"another authority":        {open(func(e *connectors.Endpoint) { e.TLSRootCA = otherCA }, s.Token(kubetest.Admin)), connectors.ErrHostKey},
		"the system's authorities": {open(func(e *connectors.Endpoint) { e.TLSRootCA = "" }, s.Token(kubetest.Admin)), connectors.ErrHostKey},
		"another server":           {open(func(e *connectors.Endpoint) { e.Address = other.Listener.Addr().String(); e.TLSRootCA = otherCA }, s.Token(kubetest.Admin)), connectors.ErrProtocol},
		"nobody there":             {open(func(e *connectors.Endpoint) { e.Address = "127.0.0.1:1" }, s.Token(kubetest.Admin)), connectors.ErrUnreachable},
		"a kubeconfig":             {open(func(e *connectors.Endpoint) { e.TLSRootCA = "" }, config), nil},
		"a token":                  {open(nil, s.Token(kubetest.Admin)), nil},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v, want %v", name, test.err, test.want)
		}
		if test.err != nil && (strings.Contains(test.err.Error(), wrong) || strings.Contains(test.err.Error(), s.Token(kubetest.Admin))) {
			t.Errorf("%s: the credential is in %v", name, test.err)
		}
	}
	cert, err := s.Certificate("carol", "developers")
	if err != nil {
		t.Fatal(err)
	}
	if err := open(nil, string(cert)); err != nil {
		t.Errorf("a client certificate: %v", err)
	}
}

// What the cluster's own rules forbid is told as that, and the connection lives on.
func TestForbidden(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Dev)
	for _, line := range []string{"get secrets", "delete pod web-1", "get nodes", "exec web-1 -n default -- id"} {
		s := kubectl(t, c, g, "", strings.Fields(line)...)
		var te *connectors.TargetError
		if !errors.As(s.fault, &te) || te.Code != "Forbidden" || !strings.Contains(te.Text, `"dev"`) {
			t.Errorf("%s: %v", line, s.fault)
		}
	}
	if s := kubectl(t, c, g, "", "get", "pods"); s.fault != nil {
		t.Error(s.fault)
	}
}

// The cluster acts as the person where the resource says so.
func TestImpersonation(t *testing.T) {
	s := theCluster(t)
	before, err := s.Audit() // others have signed in by the gateway, as others
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{}
	e := endpoint(s)
	e.Impersonate = &connectors.Impersonation{User: "sp:ann@example.com", Groups: []string{"developers"}}
	c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(s.Token(kubetest.Gateway))), g)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, line := range []string{"get pods", "exec web-1 -c app -- true"} {
		if out := kubectl(t, c.(*Conn), g, "", strings.Fields(line)...); out.fault != nil {
			t.Fatalf("%s: %v", line, out.fault)
		}
	}
	if out := kubectl(t, c.(*Conn), g, "", "get", "nodes"); out.fault == nil || !strings.Contains(out.fault.Error(), "sp:ann@example.com") {
		t.Error(out.fault)
	}
	events, err := s.Audit()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, e := range events[len(before):] {
		if e.User.Username == kubetest.Gateway && (e.ImpersonatedUser == nil || e.ImpersonatedUser.Username != "sp:ann@example.com") {
			t.Errorf("as itself: %+v", e)
		}
		for _, path := range []string{"/pods?", "/exec?"} {
			found[path] = found[path] || e.ImpersonatedUser != nil && strings.Contains(e.RequestURI, path)
		}
	}
	if !found["/pods?"] || !found["/exec?"] {
		t.Error(found)
	}
	if ops := g.Operations(); ops[0].Login != "sp:ann@example.com" {
		t.Errorf("login %q", ops[0].Login)
	}
}

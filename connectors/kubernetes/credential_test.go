package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
)

// signIn opens a connection with a credential, and as somebody else.
func signIn(t *testing.T, secret []byte, as *connectors.Impersonation) (*Conn, *connectortest.Guard, error) {
	t.Helper()
	g := &connectortest.Guard{}
	e := endpoint(theCluster(t))
	e.Impersonate = as
	c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret(secret), g)
	if err != nil {
		return nil, g, err
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn), g, nil
}

// Each credential signs in as whom it says, and a denial says which verb of which
// resource was denied, and to whom.
func TestCredentials(t *testing.T) {
	s := theCluster(t)
	certificate, err := s.Certificate("cert-dev", "developers")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		secret []byte
		as     *connectors.Impersonation
		who    string
		reads  bool
	}{
		"a token":           {[]byte(s.Token(kubetest.Dev)), nil, "dev", true},
		"a kubeconfig":      {s.Kubeconfig(kubetest.Dev), nil, "dev", true},
		"a certificate":     {certificate, nil, "cert-dev", true},
		"a service account": {boundToken(t, "reader", "pods", 600, ""), nil, "system:serviceaccount:shop:reader", true},
		"a person":          {[]byte(s.Token(kubetest.Gateway)), &connectors.Impersonation{User: "sp:ann@acme.example", Groups: []string{"sp:engineering"}}, "sp:ann@acme.example", false},
		"a person's groups": {[]byte(s.Token(kubetest.Gateway)), &connectors.Impersonation{User: "sp:ben@acme.example", Groups: []string{"developers"}}, "sp:ben@acme.example", true},
		"nobody's rights":   {[]byte(s.Token(kubetest.Gateway)), nil, "gateway", false},
	} {
		conn, g, err := signIn(t, c.secret, c.as)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out := kubectl(t, conn, g, "", "get", "pods", "-o", "name")
		if c.reads != (out.fault == nil && strings.Contains(out.out.String(), "pod/web-1")) {
			t.Errorf("%s: %q, %v", name, out.out.String(), out.fault)
		}
		if !c.reads && !saidBy("Forbidden", fmt.Sprintf(`User %q cannot list resource "pods" in API group "" in the namespace "shop"`, c.who))(out.fault) {
			t.Errorf("%s: %v", name, out.fault)
		}
		for _, deny := range []struct{ line, verb, what string }{{"delete pod web-1", "delete", "pods"}, {"get secret db", "get", "secrets"}, {"scale deploy web --replicas 0", "patch", "deployments/scale"}} {
			out = kubectl(t, conn, g, "", split(deny.line)...)
			if !saidBy("Forbidden", fmt.Sprintf("User %q cannot %s resource %q", c.who, deny.verb, deny.what))(out.fault) {
				t.Errorf("%s: %s: %v", name, deny.line, out.fault)
			}
		}
		if said := recorded(g); strings.Contains(said, string(c.secret)) || strings.Contains(said, s.Token(kubetest.Gateway)) {
			t.Errorf("%s: the credential is on record", name)
		}
	}
}

// boundToken is a service account's, which may read pods, by the API's own request for
// tokens; bound to a secret, where one is named.
func boundToken(t *testing.T, account, may string, seconds int, secret string) []byte {
	t.Helper()
	s := theCluster(t)
	ns, rbac := "/api/v1/namespaces/shop", "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"
	for _, o := range [][2]string{
		{ns + "/serviceaccounts", `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"` + account + `"}}`},
		{rbac + "roles", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"` + account + `"},"rules":[{"apiGroups":[""],"resources":["` + may + `"],"verbs":["get","list"]}]}`},
		{rbac + "rolebindings", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"` + account + `"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"` + account + `"},"subjects":[{"kind":"ServiceAccount","name":"` + account + `","namespace":"shop"}]}`},
	} {
		if err := s.Create(t.Context(), o[0], o[1]); err != nil {
			t.Fatal(err)
		}
	}
	return moreToken(t, account, seconds, secret)
}

func moreToken(t *testing.T, account string, seconds int, secret string) []byte {
	t.Helper()
	s, ns, bound := theCluster(t), "/api/v1/namespaces/shop", ""
	if secret != "" {
		bound = fmt.Sprintf(`,"boundObjectRef":{"apiVersion":"v1","kind":"Secret","name":%q}`, secret)
	}
	b, code, err := s.Do(t.Context(), "POST", ns+"/serviceaccounts/"+account+"/token", "application/json",
		[]byte(fmt.Sprintf(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":%d%s}}`, seconds, bound)))
	var r struct {
		Status struct {
			Token               string
			ExpirationTimestamp time.Time
		}
	}
	if err != nil || code/100 != 2 || json.Unmarshal(b, &r) != nil || r.Status.Token == "" || time.Until(r.Status.ExpirationTimestamp) > time.Hour {
		t.Fatalf("a token: %d %s %v", code, b, err)
	}
	return []byte(r.Status.Token)
}

// A token that is bound to what is gone, or has expired, is told as a refused
// credential.
func TestTokensEnd(t *testing.T) {
	s := theCluster(t)
	if err := s.Create(t.Context(), "/api/v1/namespaces/shop/secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"holder"}}`); err != nil {
		t.Fatal(err)
	}
	token := boundToken(t, "bound", "pods", 600, "holder")
	if conn, g, err := signIn(t, token, nil); err != nil {
		t.Error(err)
	} else if out := kubectl(t, conn, g, "", "get", "pods"); out.fault != nil {
		t.Error(out.fault)
	}
	expired, err := s.ExpiredToken("bound")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := signIn(t, []byte(expired), nil); !errors.Is(err, connectors.ErrCredential) {
		t.Errorf("expired: %v", err)
	}
	fresh := moreToken(t, "bound", 600, "holder")
	if _, code, err := s.Do(t.Context(), "DELETE", "/api/v1/namespaces/shop/secrets/holder", "", nil); err != nil || code/100 != 2 {
		t.Fatal(code, err)
	}
	// One that was used would be good for ten seconds more: so long the API server keeps
	// what it knows of a token.
	if _, _, err := signIn(t, fresh, nil); !errors.Is(err, connectors.ErrCredential) || strings.Contains(err.Error(), string(fresh)) {
		t.Errorf("bound to what is gone: %v", err)
	}
}

// What of a kubeconfig would run a program, read a file or go elsewhere is refused,
// before anything is sent.
func TestKubeconfigsBeyond(t *testing.T) {
	s := theCluster(t)
	whole := string(s.Kubeconfig(kubetest.Dev))
	user := `"user":{"token":"` + s.Token(kubetest.Dev) + `"}`
	for name, c := range map[string]struct{ old, new, want string }{
		"an exec plug-in":      {user, `"user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"touch","args":["` + t.TempDir() + `/ran"]}}`, "an exec plug-in"},
		"a token's file":       {user, `"user":{"tokenFile":"/etc/hostname"}`, "a tokenFile"},
		"a password":           {user, `"user":{"username":"a","password":"b"}`, "a user name and password"},
		"impersonation":        {user, `"user":{"as":"admin","token":"x"}`, "impersonation"},
		"no verification":      {`"certificate-authority-data"`, `"insecure-skip-tls-verify":true,"x"`, "insecure-skip-tls-verify"},
		"a proxy":              {`"certificate-authority-data"`, `"proxy-url":"http://127.0.0.1:1","certificate-authority-data"`, "a proxy-url"},
		"no such context":      {`"current-context":"c"`, `"current-context":"d"`, "no current context"},
		"no YAML":              {"{", "{{", "cannot be read"},
		"no credential at all": {user, `"user":{}`, "neither a token nor"},
	} {
		config := strings.Replace(whole, c.old, c.new, 1)
		if config == whole {
			t.Fatalf("%s: nothing changed", name)
		}
		_, _, err := signIn(t, []byte(config), nil)
		if !errors.Is(err, connectors.ErrCredential) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), s.Token(kubetest.Dev)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

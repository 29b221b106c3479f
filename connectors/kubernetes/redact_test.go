package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sallyport/sallyport/connectors/connectortest"
	apihttp "github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/policy"
)

// What a request would put into a Secret is in nothing that is kept of it, however it
// is written; what else it says stays.
func TestKept(t *testing.T) {
	secrets := "/api/v1/namespaces/shop/secrets"
	for _, c := range []struct{ method, target, body, stays string }{
		{"POST", secrets, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","labels":{"app":"x"}},"stringData":{"password":"CANARY"}}`, `"name":"db"`},
		{"PATCH", secrets + "/db", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  password: CANARY\n", `"password":"[withheld]"`},
		{"PATCH", secrets + "/db", "---\napiVersion: v1\nkind: Secret\nstringData: {a: |\n  CANARY}", ""},
		{"PATCH", secrets + "/db", `[{"op":"replace","path":"/data/password","value":"CANARY"}]`, `/data/password`},
		{"PATCH", secrets + "/db", `[{"op":"add","path":"/data","value":{"password":"CANARY"}}]`, ``},
		{"PATCH", secrets + "/db", `{"Data":{"a":"CANARY"},"typo":"CANARY","metadata":{"annotations":{"x":"CANARY"}}}`, ``},
		{"PATCH", secrets + "/db", `["CANARY", {"x":["CANARY"]}]`, ``},
		{"PATCH", secrets + "/db", `CANARY`, ``},
		{"PATCH", secrets + "/db", `{"data": {"a": "CANARY"`, ``},
		{"PATCH", secrets + "/db", "kind: Secret\n---\nkind: Secret\ndata: {a: CANARY}", ``},
		{"PATCH", secrets + "/db", `{"data":{"a":"CANARY"},"data":{"b":"CANARY"}}`, ``},
		{"POST", "/api/v1/namespaces/shop/configmaps", `{"kind":"List","items":[{"kind":"Secret","data":{"a":"CANARY"}}]}`, ``},
		{"POST", "/api/v1/namespaces/shop/configmaps", `{"kind":"secret ","data":{"a":"CANARY"}}`, ``},
		{"POST", "/api/v1/namespaces/shop/configmaps", "kind: Secret\ndata: {a: CANARY\n", ``},
		{"POST", "/apis/argoproj.io/v1/namespaces/shop/things", `{"spec":{"template":{"kind":"Secret","stringData":{"a":"CANARY"}},"size":3}}`, `"size":3`},
		{"PATCH", "/api/v1/namespaces/shop/pods/x", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"data\":{\"a\":\"CANARY\"}}"}}}`, ``},
		{"POST", "/apis/bitnami.com/v1/namespaces/shop/sealedsecrets", `{"spec":{"template":{"data":{"a":"CANARY"}},"name":"y"}}`, `"name":"y"`},
		{"POST", "/apis/authentication.k8s.io/v1/tokenreviews", `{"spec":{"token":"CANARY"}}`, ``},
	} {
		text := c.method + " " + c.target + "\n\n" + c.body
		got := keptOf(t, text)
		if got == "" || strings.Contains(got, "CANARY") || !strings.Contains(got, c.stays) || !strings.HasPrefix(got, c.method+" "+c.target) {
			t.Errorf("%s\n is kept as %q", text, got)
		}
	}
	for _, body := range []string{`{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"b"}}`, "kind: Deployment\nspec: {replicas: 3}\n", ""} {
		if got := keptOf(t, "POST /api/v1/namespaces/shop/configmaps\n\n"+body); got != "" {
			t.Errorf("%q is not kept as typed: %q", body, got)
		}
	}
}

func keptOf(t *testing.T, text string) string {
	t.Helper()
	p, err := apihttp.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return kept(request{method: p.Method, target: p.Target, body: string(p.Body)}, Request(p).Kubernetes)
}

// Of a body about a Secret nothing is kept but what stands below the fields that hold
// no values, and the names of others.
func FuzzKept(f *testing.F) {
	f.Add(`{"kind":"Secret","data":{"a":"b"},"x":[1,{"y":true}]}`)
	f.Add("kind: Secret\ndata:\n  a: b\n")
	f.Add(`[{"op":"add","path":"/data/a","value":"b"}]`)
	f.Add("--- \n- a\n...")
	f.Fuzz(func(t *testing.T, body string) {
		r := request{method: "PATCH", target: "/api/v1/namespaces/shop/secrets/db", body: body}
		got := kept(r, &policy.KubernetesCall{Resource: "secrets"})
		if got == "" {
			got = r.text()
		}
		head, rest, _ := strings.Cut(got, "\n\n")
		if head != "PATCH "+r.target {
			t.Fatalf("%q is kept as %q", body, got)
		}
		if strings.TrimSpace(rest) == "" || strings.HasPrefix(rest, "[the body is withheld") {
			return
		}
		b, err := yaml.YAMLToJSON([]byte(rest))
		var v any
		if err != nil || json.Unmarshal(b, &v) != nil || shows(v, false) {
			t.Errorf("%q is kept as %q", body, rest)
		}
	})
}

// shows reports whether a value stands where a Secret may have its own.
func shows(v any, plain bool) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if k != "labels" && shows(x, plainly[k]) {
				return true
			}
		}
		return false
	case []any:
		for _, x := range v {
			if shows(x, false) {
				return true
			}
		}
		return false
	case nil:
		return false
	}
	return !plain && v != withheld
}

// A Secret that is applied, patched or refused is on record without its values, on
// a real server, and so is what the server says of one that it does not take.
func TestAppliedSecrets(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	for _, in := range []struct{ body, line string }{
		{"apiVersion: v1\nkind: Secret\nmetadata: {name: applied}\nstringData: {a: " + canary + "}\n", "apply -f -"},
		{"apiVersion: v1\nkind: Secret\nmetadata: {name: applied}\ndata: {a: \"" + canary + "!\"}\n", "apply -f -"}, // no base64
		{"apiVersion: v1\nkind: Secret\nmetadata: {name: Applied_}\nstringData: {a: " + canary + "}\n", "create -f -"},
		{"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: " + canary + ": b}\n", "apply -f -"}, // no YAML
		{"", "patch secret applied -p '{\"stringData\":{\"a\":\"" + canary + "\"}}'"},
		{"", "patch secret applied --type json -p '[{\"op\":\"add\",\"path\":\"/data/b\",\"value\":\"" + canary + "\"}]'"},
		{"", "get secret applied -o yaml"},
		{"", "delete secret applied"},
	} {
		out := kubectl(t, c, g, in.body, split(in.line)...)
		said := out.out.String() + out.err.String()
		if out.fault != nil {
			said += out.fault.Error()
		}
		for _, p := range g.Permits() {
			said += p.Op.Shown()
			for _, o := range p.Outcomes() {
				if o.Err != nil {
					said += o.Err.Error()
				}
			}
			in, o, e := p.Streams()
			said += in + o + e
		}
		if strings.Contains(said, canary) || strings.Contains(said, canaryBase64) {
			t.Errorf("%s: the value is in %s", in.line, said)
		}
	}
	if n := len(g.Permits()); n < 7 {
		t.Errorf("%d requests were asked for", n)
	}
}

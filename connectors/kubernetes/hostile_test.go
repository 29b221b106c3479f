package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	apihttp "github.com/sallyport/sallyport/connectors/http"
	"github.com/sallyport/sallyport/policy"
)

// The API server reads the options of a DELETE from its body, where there is one,
// and then none from the query: a dry run there deletes.
func TestADeleteWithABodyIsNoDryRun(t *testing.T) {
	for _, at := range []string{"/api/v1/namespaces/shop/pods/web", "/apis/apps/v1/namespaces/shop/deployments"} {
		f := Facts("DELETE " + at + "?dryRun=All\n\n" + `{"kind":"DeleteOptions","apiVersion":"v1"}`)
		if f.Class == policy.Read {
			t.Errorf("%s with a body is a %s", at, f.Class)
		}
		if f := Facts("DELETE " + at + "?dryRun=All"); f.Class != policy.Read {
			t.Errorf("%s tried is a %s", at, f.Class)
		}
	}
}

// A line that first wants a terminal and then none came to where a terminal is,
// which has one stream for both outputs: the first byte that the program wrote
// beside would have ended the whole process.
func TestATerminalThatIsNotWanted(t *testing.T) {
	c := &Conn{namespace: "shop"}
	for _, words := range []string{"exec web -t -t=false -- sh", "exec web --tty=true --tty=false -- sh", "attach web"} {
		l, do, err := c.parse(strings.Fields(words))
		if err != nil {
			t.Fatal(err)
		}
		l.ctx, l.g = context.Background(), nobody{t}
		l.term = connectors.Terminal{Term: "xterm", Stdio: connectors.Stdio{Out: &bytes.Buffer{}}}
		var said *connectors.LineError
		if err := do.run(l); !errors.As(err, &said) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

// nobody is asked.
type nobody struct{ t *testing.T }

func (n nobody) Note(context.Context, string) error { return errors.New("nobody is there") }

func (n nobody) Check(_ context.Context, op connectors.Operation) (connectors.Permit, error) {
	n.t.Errorf("asked for %s", op.Text)
	return nil, errors.New("nobody is there")
}

func TestATemplateDescendsABoundedNumberOfTimes(t *testing.T) {
	for template, ok := range map[string]bool{"{.items[*].metadata.name}": true, "{..name}": true, "{..a..b}": true, "{..*..*..*..*}": false, "{...*}": true, "{......}": false} {
		_, err := formOf("jsonpath=" + template)
		var said *connectors.LineError
		if refused := errors.As(err, &said) && strings.Contains(said.Text, "descends"); refused == ok {
			t.Errorf("%s: %v", template, err)
		}
	}
}

// A question about one's own rights is a read, but for what else is said of the
// request, and for somebody else's type of the same name.
func TestWhatOnlyLooksLikeAQuestion(t *testing.T) {
	for text, want := range map[string]policy.Class{
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews\n\n{}":                         policy.Read,
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews\nImpersonate-User: root\n\n{}": policy.Privilege,
		"POST /apis/shop.example/v1/selfsubjectreviews\n\n{}":                                       policy.Write,
	} {
		if f := Facts(text); f.Class != want {
			t.Errorf("%q is a %s, want %s", text, f.Class, want)
		}
	}
}

// What the API server takes for a watch is one, and nothing else is.
func TestVerbsAsTheServerReadsThem(t *testing.T) {
	for text, want := range map[string]string{
		"GET /api/v1/namespaces/shop/pods?watch=FALSE":       "list",
		"GET /api/v1/namespaces/shop/pods?watch=":            "watch",
		"GET /api/v1/namespaces/shop/pods?watch=no":          "watch",
		"GET /api/v1/namespaces/shop/pods?watch=0&watch=1":   "list",
		"GET /api/v1/watch/namespaces/shop/pods":             "watch",
		"GET /api/v1/watch/namespaces/shop/pods/web":         "watch",
		"GET /api/v1/watch/namespaces/shop/pods?watch=false": "watch",
		"GET /api/v1/namespaces/shop/pods/web?watch=true":    "get",
	} {
		if f := Facts(text); f.Kubernetes.Verb != want {
			t.Errorf("%s is a %s, not a %s", text, f.Kubernetes.Verb, want)
		}
	}
}

// A request's limit of time does not hang on a word that stands somewhere in it.
func TestWhatHasNoEnd(t *testing.T) {
	for text, want := range map[string]bool{
		"GET /api/v1/pods?watch=true":                                                true,
		"GET /api/v1/watch/pods":                                                     true,
		"GET /api/v1/namespaces/shop/pods/web/log?follow=true":                       true,
		"GET /api/v1/namespaces/shop/pods/web/log?follow=false":                      false,
		"GET /api/v1/pods?watch=false":                                               false,
		"GET /api/v1/pods?labelSelector=watch=":                                      false,
		"GET /api/v1/namespaces/shop/pods/web?watch=true":                            false,
		"DELETE /api/v1/namespaces/shop/pods?watch=true":                             false,
		"POST /api/v1/namespaces/shop/pods?follow=true\n\n{}":                        false,
		"GET /api/v1/namespaces/shop/pods/web/status?follow=true":                    false,
		"GET /apis/example.com/v1/namespaces/shop/things/web/log?follow=true&watch=": false,
	} {
		p, err := apihttp.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := endless(p.Target, Request(p)); got != want {
			t.Errorf("%s goes on for ever: %t", text, got)
		}
	}
}

// Not every server of a resource knows dry runs: what OpenShift instantiates, runs.
func TestDryRunsOfWhatKnowsNone(t *testing.T) {
	for path, tried := range map[string]bool{
		"/apis/build.openshift.io/v1/namespaces/shop/buildconfigs/web/instantiate":     false,
		"/apis/apps.openshift.io/v1/namespaces/shop/deploymentconfigs/web/rollback":    false,
		"/apis/apps.openshift.io/v1/namespaces/shop/deploymentconfigs/web/instantiate": false,
		"/api/v1/namespaces/shop/pods/web/eviction":                                    true,
		"/apis/apps/v1/namespaces/shop/deployments":                                    true,
		"/apis/apps/v1/namespaces/shop/deployments/web/scale":                          true,
	} {
		if f := Facts("POST " + path + "?dryRun=All\n\n{}"); (f.Class == policy.Read) != tried {
			t.Errorf("%s tried is a %s", path, f.Class)
		}
	}
}

// There is one address for each way: the pod web.shop in the namespace deployments is
// not the deployment web in shop.
func TestWaysAreTold(t *testing.T) {
	seen := map[string]way{}
	for _, kind := range []string{"pods", "services", "deployments", "statefulsets", "daemonsets", "replicasets"} {
		for _, name := range []string{"web", "web.shop", "web.shop.svc"} {
			for _, namespace := range []string{"shop", "svc", "pod", "pods", "services", "deployments", "statefulsets"} {
				w := way{kind: kind, namespace: namespace, name: name, port: "80"}
				if other, ok := seen[w.String()]; ok {
					t.Errorf("%+v and %+v are both %s", w, other, w)
				}
				seen[w.String()] = w
			}
		}
	}
}

package kubernetes

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
)

// replicaSet makes what a controller keeps of a deployment: a replica set for a revision.
func replicaSet(t *testing.T, c *Conn, revision int, image, cause string) {
	t.Helper()
	s := theCluster(t)
	g := &connectortest.Guard{}
	uid := kubectl(t, c, g, "", "get", "deploy", "back", "-o", "jsonpath={.metadata.uid}").out.String()
	if err := s.Create(t.Context(), "/apis/apps/v1/namespaces/shop/replicasets", fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"back-%d","labels":{"app":"back"},
		"annotations":{"deployment.kubernetes.io/revision":"%d","kubernetes.io/change-cause":"%s"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"back","uid":"%s","controller":true}]},
		"spec":{"replicas":0,"selector":{"matchLabels":{"app":"back","pod-template-hash":"h%d"}},"template":{"metadata":{"labels":{"app":"back","pod-template-hash":"h%d"}},"spec":{"containers":[{"name":"app","image":"%s","env":[{"name":"MAIL","value":"ann.lee@acme.example"}]}]}}}}`,
		revision, revision, cause, uid, revision, revision, image)); err != nil {
		t.Fatal(err)
	}
}

// A rollout is undone to what its controller kept; what masks hide is not written
// back.
func TestUndo(t *testing.T) {
	s := theCluster(t)
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	if err := s.Create(t.Context(), "/apis/apps/v1/namespaces/shop/deployments", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"back"},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"back"}},"template":{"metadata":{"labels":{"app":"back"}},"spec":{"containers":[{"name":"app","image":"example/back:3"}]}}}}`); err != nil {
		t.Fatal(err)
	}
	replicaSet(t, c, 1, "example/back:1", "first")
	replicaSet(t, c, 2, "example/back:2", "")
	replicaSet(t, c, 3, "example/back:3", "third")
	image := func() string {
		return kubectl(t, c, &connectortest.Guard{}, "", "get", "deploy", "back", "-o", "jsonpath={.spec.template.spec.containers[0].image} {.spec.template.metadata.labels}").out.String()
	}
	out := kubectl(t, c, g, "", split("rollout history deploy/back")...)
	if out.fault != nil || !strings.Contains(out.out.String(), "1         first\n2         <none>\n3         third\n") {
		t.Errorf("history: %s %v", out.out.String(), out.fault)
	}
	for line, want := range map[string]string{"rollout undo deploy/back": "example/back:2", "rollout undo deploy/back --to-revision=1": "example/back:1"} {
		out := kubectl(t, c, g, "", split(line)...)
		if out.fault != nil || !strings.Contains(out.out.String(), "rolled back to revision") || !strings.HasPrefix(image(), want) || strings.Contains(image(), "hash") {
			t.Errorf("%s: %s %v, it is %s", line, out.out.String(), out.fault, image())
		}
		ops := g.Operations()
		if last := ops[len(ops)-1]; !strings.HasPrefix(last.Text, "PATCH /apis/apps/v1/namespaces/shop/deployments/back") || last.Facts.Kubernetes.Verb != "patch" {
			t.Errorf("%s is judged as %q", line, last.Text)
		}
	}
	var wrong *connectors.LineError
	for _, line := range []string{"rollout undo deploy/back --to-revision=9", "rollout undo deploy/back --to-revision=x", "rollout undo pod/web-1"} {
		if out := kubectl(t, c, g, "", split(line)...); !errors.As(out.fault, &wrong) {
			t.Errorf("%s: %v", line, out.fault)
		}
	}
	before := image()
	plan, err := mask.NewPlan(nil, []string{"email"})
	if err != nil {
		t.Fatal(err)
	}
	g.Seen, g.Kept = plan, plan
	if out := kubectl(t, c, g, "", split("rollout undo deploy/back --to-revision=3")...); !errors.Is(out.fault, connectors.ErrUnsupported) || image() != before {
		t.Errorf("what is masked is written back: %v, %s", out.fault, image())
	}
}

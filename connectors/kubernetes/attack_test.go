package kubernetes

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// A Secret's values are masked where Secrets have them. Who may patch one copied a
// value to where none is, the name of an owner, a label, and read it there, in the
// answer to a dry run already; or asked by test whether it is this one.
func TestAPatchDoesNotTellSecrets(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	owner := `{"op":"add","path":"/metadata/ownerReferences","value":[{"apiVersion":"v1","kind":"X","name":"a","uid":"b"}]}`
	for _, patch := range []string{
		"[" + owner + `,{"op":"copy","from":"/data/password","path":"/metadata/ownerReferences/0/name"}]`,
		"[" + owner + `,{"op":"move","from":"/data/password","path":"/metadata/ownerReferences/0/uid"}]`,
		"[" + owner + `,{"op":"add","op":"copy","from":"/data/password","path":"/metadata/ownerReferences/0/name"}]`,
		"\n [" + owner + `,{"\u006fp":"copy","\u0066rom":"/data/password","path":"/metadata/ownerReferences/0/name"}]`,
		`[{"op":"test","path":"/data/password","value":"` + canaryBase64 + `"}]`,
		`[{"op":"test","path":"/data","value":{"password":"` + canaryBase64 + `"}}]`,
		`[{"op":"test","path":"/metadata","path":"/data/password","value":"` + canaryBase64 + `"}]`,
	} {
		var out bytesWriter
		err := c.Request(t.Context(), g, "PATCH /api/v1/namespaces/shop/secrets/db?dryRun=All\nContent-Type: application/json-patch+json\n\n"+patch, &out)
		hidden(t, patch, out.text.String()+recorded(g))
		if !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %d %v", patch, out.status, err)
		}
		if s := kubectl(t, c, g, "", "patch", "secret", "db", "--dry-run=server", "--type=json", "-p", patch); s.fault == nil {
			t.Errorf("%s was taken", patch)
		}
	}
	for _, patch := range []string{`[{"op":"test","path":"/metadata/name","value":"db"},{"op":"add","path":"/data/more","value":"eA=="},{"op":"remove","path":"/data/more"}]`, `{"metadata":{"labels":{"from":"x"}}}`} {
		kind := "json"
		if patch[0] == '{' {
			kind = "merge"
		}
		if s := kubectl(t, c, g, "", "patch", "secret", "db", "--dry-run=server", "--type="+kind, "-p", patch); s.fault != nil {
			t.Errorf("%s: %v", patch, s.fault)
		}
	}
}

// What a mask hides by where it is, was copied to where it is not, and shown there.
func TestAPatchDoesNotMoveMaskedValues(t *testing.T) {
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "colours", Path: "**.colour"}}})
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan}
	c := dial(t, g, kubetest.Admin)
	for patch, taken := range map[string]bool{
		`[{"op":"copy","from":"/data/colour","path":"/data/shown"}]`: false,
		`[{"op":"add","path":"/data/shown","value":"x"}]`:            true,
	} {
		s := kubectl(t, c, g, "", "patch", "configmap", "settings", "--dry-run=server", "--type=json", "-p", patch)
		var refused *policy.Refusal
		if (s.fault == nil) != taken || !taken && !errors.As(s.fault, &refused) {
			t.Errorf("%s: %v", patch, s.fault)
		}
		if all := s.out.String() + recorded(g); strings.Contains(all, "green") {
			t.Errorf("%s: %s", patch, all)
		}
	}
	for _, p := range g.Permits() {
		if len(p.Outcomes()) != 1 {
			t.Errorf("%s ended as %+v", p.Op.Text, p.Outcomes())
		}
	}
}

// The name of a pod held a path: exec in pod/web-1:8080/proxy/free-1 was judged as in
// the pod free-1, and went to the proxy of web-1.
func TestAPodsNameIsNoPath(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	before, err := theCluster(t).Audit()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"exec pod/web-1:8080/proxy/free-1 -- id", "exec pods/web-1/free-1 -- id", "attach pod/web-1/proxy/free-1", "exec pod/../services/web:80/proxy/free-1 -- id", "exec .. -- id",
		"exec web-1?x -- id", "exec web-1 -n shop/pods -- id", "exec web-1 -n .. -- id", "logs pod/web-1/proxy/free-1", "port-forward pod/web-1/proxy/free-1 80",
	} {
		var wrong *connectors.LineError
		if s := kubectl(t, c, g, "", strings.Fields(line)...); !errors.As(s.fault, &wrong) {
			t.Errorf("%s: %v", line, s.fault)
		}
	}
	after, err := theCluster(t).Audit()
	if err != nil || len(after) != len(before) || len(g.Operations()) > 0 {
		t.Errorf("%d requests were asked for, %d arrived, %v", len(g.Operations()), len(after)-len(before), err)
	}
}

package kubernetes

import (
	"errors"
	"strings"
	"testing"
	"time"

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

// What refuses a change may quote the object that it refuses, with any status: an
// admission policy's 403 showed a Secret's value to who gave it a label, and kept it.
func TestARefusalDoesNotQuoteSecrets(t *testing.T) {
	s := theCluster(t)
	const group = "/apis/admissionregistration.k8s.io/v1/"
	for path, object := range map[string]string{
		group + "validatingadmissionpolicies": `{"metadata":{"name":"quotes"},"spec":{"failurePolicy":"Fail","matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["UPDATE"],"resources":["secrets"]}]},
			"validations":[{"expression":"!('quoted' in object.metadata.?labels.orValue({}))","messageExpression":"'weak: ' + string(object.data['password'])","reason":"Forbidden"}]}}`,
		group + "validatingadmissionpolicybindings": `{"metadata":{"name":"quotes"},"spec":{"policyName":"quotes","validationActions":["Deny"]}}`,
	} {
		if err := s.Create(t.Context(), path, object); err != nil {
			t.Fatal(err)
		}
	}
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	line := []string{"label", "secret", "db", "quoted=x", "--dry-run=server"}
	var said *connectors.TargetError
	for range 100 { // until the server has heard of it
		if out := kubectl(t, c, g, "", line...); errors.As(out.fault, &said) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if said == nil || said.Code != "Forbidden" {
		t.Fatalf("the policy does not refuse: %v", said)
	}
	hidden(t, "the refusal", said.Text)
	hidden(t, "the record", recorded(g))
	var out bytesWriter
	if err := c.Request(t.Context(), g, "PATCH /api/v1/namespaces/shop/secrets/db\nContent-Type: application/merge-patch+json\n\n"+`{"metadata":{"labels":{"quoted":"x"}}}`, &out); err != nil || out.status != 403 {
		t.Fatal(err, out.status)
	}
	hidden(t, "the answer", out.text.String())
	// What the API itself says of a Secret that one may not have, or that is not there, stays.
	for line, want := range map[string]string{"label secret none a=b": `secrets "none" not found`} {
		if out := kubectl(t, c, g, "", strings.Fields(line)...); out.fault == nil || !strings.Contains(out.fault.Error(), want) {
			t.Errorf("%s: %v", line, out.fault)
		}
	}
	dev := dial(t, g, kubetest.Dev)
	for line, want := range map[string]string{"get secret db": `cannot get resource "secrets"`, "label secret db a=b": `cannot patch resource "secrets" in API group "" in the namespace "shop"`} {
		if out := kubectl(t, dev, g, "", strings.Fields(line)...); out.fault == nil || !strings.Contains(out.fault.Error(), want) {
			t.Errorf("%s: %v", line, out.fault)
		}
	}
}

// A body in which there is a Secret is withheld, and what the server says of it is, too.
func TestARefusalDoesNotQuoteAWithheldBody(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	for _, text := range []string{
		"POST /api/v1/namespaces/shop/configmaps\nContent-Type: application/yaml\n\nkind: Secret\napiVersion: v1\nmetadata: {name: x}\ndata: *" + canary + "\n",
	} {
		var out bytesWriter
		if err := c.Request(t.Context(), g, text, &out); err != nil || out.status/100 != 4 {
			t.Fatal(err, out.status)
		}
		said := out.text.String()
		for _, p := range g.Permits() {
			_, out, _ := p.Streams()
			said += p.Op.Shown() + out
		}
		hidden(t, text, said)
	}
}

// What is withheld of a body is not told by the answer that has it again.
func TestAnAnswerDoesNotEchoAWithheldBody(t *testing.T) {
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	var out bytesWriter
	err := c.Request(t.Context(), g, "PATCH /api/v1/namespaces/shop/configmaps/settings?dryRun=All\nContent-Type: application/merge-patch+json\n\n"+
		`{"metadata":{"annotations":{"`+lastApplied+`":"{\"kind\":\"Secret\",\"data\":{\"a\":\"`+canary+`\"}}"}}}`, &out)
	if err != nil || out.status != 200 {
		t.Fatal(err, out.status, out.text.String())
	}
	said := out.text.String()
	for _, p := range g.Permits() {
		_, out, _ := p.Streams()
		said += p.Op.Shown() + out
	}
	hidden(t, "the answer and the record", said)
}

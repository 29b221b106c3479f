package kubernetes

import (
	"testing"

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

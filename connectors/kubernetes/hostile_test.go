package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
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

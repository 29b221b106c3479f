package kubernetes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
)

// readers is how many files of this machine's processes are open at a path.
func readers(path string) (n int) {
	all, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range all {
		if to, err := os.Readlink(fd); err == nil && to == path {
			n++
		}
	}
	return n
}

// A log that is followed shows what is added; whoever stops frees the node's side, and
// so does whoever goes away.
func TestFollowedLog(t *testing.T) {
	s := theCluster(t)
	file := filepath.Join(s.Folder("web-1", "side"), "log")
	log, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	before := readers(file)
	for _, how := range []string{"cancelled", "closed"} {
		g := &connectortest.Guard{}
		c := dial(t, g, kubetest.Admin)
		ctx, cancel := context.WithCancel(t.Context())
		out := &shown{}
		done := make(chan error, 1)
		go func() {
			_, err := c.Command(ctx, g, split("logs -f web-1 -c side --tail 1"), connectors.Terminal{Stdio: connectors.Stdio{Out: &out.out, Err: &out.err}})
			done <- err
		}()
		eventually(t, func() bool { return strings.Contains(out.out.String(), "\n") })
		if readers(file) <= before {
			t.Errorf("%s: nobody reads the log", how)
		}
		if _, err := log.WriteString("added while it is " + how + "\n"); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return strings.Contains(out.out.String(), "added while it is "+how) })
		if how == "closed" {
			_ = c.Close()
		}
		cancel()
		if err := within(t, done); how == "cancelled" && !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("%s: %v", how, err)
		}
		eventually(t, func() bool { return readers(file) == before })
		if _, kept, _ := g.Permits()[len(g.Permits())-1].Streams(); kept != out.out.String() {
			t.Errorf("%s: on record is %q, shown %q", how, kept, out.out.String())
		}
	}
}

// The log of the container before this one; where there was none, that is said.
func TestPreviousLog(t *testing.T) {
	s := theCluster(t)
	g := &connectortest.Guard{}
	c := dial(t, g, kubetest.Admin)
	if out := kubectl(t, c, g, "", split("logs -p web-1 -c app")...); !saidBy("BadRequest", `previous terminated container "app" in pod "web-1" not found`)(out.fault) {
		t.Errorf("%q, %v", out.out.String(), out.fault)
	}
	if err := os.WriteFile(filepath.Join(s.Folder("web-1", "app"), "log.previous"), []byte("it fell over\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := kubectl(t, c, g, "", split("logs --previous web-1 -c app")...); out.out.String() != "it fell over\n" || out.fault != nil {
		t.Errorf("%q, %v", out.out.String(), out.fault)
	}
}

// Roles that allow create alone are enough for exec, which by WebSocket would be a get.
func TestExecByCreateAlone(t *testing.T) {
	s := theCluster(t)
	rbac := "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/"
	for _, o := range [][2]string{
		{rbac + "roles", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"creator"},"rules":[{"apiGroups":[""],"resources":["pods/exec"],"verbs":["create"]},{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`},
		{rbac + "rolebindings", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"creator"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"creator"},"subjects":[{"kind":"User","name":"sp:eve"}]}`},
	} {
		if err := s.Create(t.Context(), o[0], o[1]); err != nil {
			t.Fatal(err)
		}
	}
	conn, g, err := signIn(t, []byte(s.Token(kubetest.Gateway)), &connectors.Impersonation{User: "sp:eve"})
	if err != nil {
		t.Fatal(err)
	}
	if out := kubectl(t, conn, g, "in", split("exec -i web-1 -c app -- sh -c 'cat; echo err >&2; exit 4'")...); out.out.String() != "in" || out.err.String() != "err\n" || out.exit.Code != 4 {
		t.Errorf("%q %q %d %v", out.out.String(), out.err.String(), out.exit.Code, out.fault)
	}
	if n := len(g.Permits()); n != 1 {
		t.Errorf("%d operations for one command", n)
	}
	other, g, err := signIn(t, []byte(s.Token(kubetest.Gateway)), &connectors.Impersonation{User: "sp:mallory"})
	if err != nil {
		t.Fatal(err)
	}
	if out := kubectl(t, other, g, "", split("exec web-1 -c app -- id")...); !saidBy("Forbidden", `User "sp:mallory" cannot get or create resource "pods/exec" in API group "" in the namespace "shop"`)(out.fault) {
		t.Error(out.fault)
	}
}

package kubernetes

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/mask"
)

var cluster struct {
	once sync.Once
	s    *kubetest.Server
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster.s != nil {
		cluster.s.Stop()
	}
	os.Exit(code)
}

// the cluster is one for all tests of the package.
func theCluster(t testing.TB) *kubetest.Server {
	t.Helper()
	cluster.once.Do(func() { cluster.s, cluster.err = startCluster() })
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	return cluster.s
}

func startCluster() (*kubetest.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute) // the first one is built
	defer cancel()
	s, err := kubetest.Start(ctx)
	if err != nil {
		return nil, err
	}
	ns := "/api/v1/namespaces/" + kubetest.Namespace
	for _, o := range [][2]string{
		{ns + "/secrets", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":\"` + canary + `\"}"}},"stringData":{"password":"` + canary + `"}}`},
		{ns + "/configmaps", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"colour":"green","evil":"\u001b]52;c;AAAA\u0007"}}`},
		{"/apis/apps/v1/namespaces/" + kubetest.Namespace + "/deployments", `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"example/app"}]}}}}`},
	} {
		if err := s.Create(ctx, o[0], o[1]); err != nil {
			return s, err
		}
	}
	return s, s.Pod(ctx, "web-1", "one\ntwo\nthree\n", "app", "side")
}

// canary is a Secret's value; what the API server makes of it is base64.
const (
	canary       = "canary-7f3a91-value"
	canaryBase64 = "Y2FuYXJ5LTdmM2E5MS12YWx1ZQ=="
)

func endpoint(s *kubetest.Server) connectors.Endpoint {
	return connectors.Endpoint{Name: "cluster", Address: s.Address(), TLSRootCA: s.CAFile(), Namespace: kubetest.Namespace, User: "test"}
}

// dial opens a connection as a person.
func dial(t testing.TB, g connectors.Guard, user string) *Conn {
	t.Helper()
	s := theCluster(t)
	c, err := New(Options{}).Open(t.Context(), endpoint(s), mask.NewSecret([]byte(s.Token(user))), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn)
}

// shown is what a line showed.
type shown struct {
	out, err lockedText
	exit     connectors.Exit
	fault    error
}

type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// kubectl runs a line to its end.
func kubectl(t testing.TB, c *Conn, g connectors.Guard, input string, words ...string) *shown {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &shown{}
	s.exit, s.fault = c.Command(ctx, g, words, connectors.Terminal{Stdio: connectors.Stdio{In: strings.NewReader(input), Out: &s.out, Err: &s.err}})
	return s
}

// recorded is all that was put on record of the operations.
func recorded(g *connectortest.Guard) string {
	var b strings.Builder
	for _, p := range g.Permits() {
		in, out, errs := p.Streams()
		fmt.Fprintln(&b, p.Op.Text, in, out, errs)
		for _, o := range p.Outcomes() {
			fmt.Fprintln(&b, o)
		}
	}
	return b.String() + strings.Join(g.Notes(), "\n")
}

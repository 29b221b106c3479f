package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
)

// scriptCluster is the cluster of all scripts, which must leave it as it was.
var scriptCluster struct {
	once sync.Once
	s    *kubetest.Server
	err  error
}

// scriptKubernetes starts a cluster, or takes the one that runs, makes the objects
// of the files (PATH FILE ...) and writes the token of its gateway to token-gateway
// and that of its administrator to token-admin.
func scriptKubernetes(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute) // the first one is built
	defer cancel()
	c := &scriptCluster
	c.once.Do(func() {
		if c.s, c.err = kubetest.Start(ctx); c.err == nil {
			c.err = c.s.Pod(ctx, "web-1", "one\ntwo\nthree\n", "app", "side")
		}
	})
	ts.Check(c.err)
	for i := 0; i+1 < len(args); i += 2 {
		ts.Check(c.s.Create(ctx, args[i], ts.ReadFile(args[i+1])))
	}
	for _, user := range []string{kubetest.Admin, kubetest.Gateway} {
		ts.Check(os.WriteFile(ts.MkAbs("token-"+user), []byte(c.s.Token(user)), 0o600))
	}
	ts.Setenv("KUBE", c.s.Address())
	ts.Setenv("KUBECA", c.s.CAFile())
}

// stopCluster ends it with the tests; the kernel would, too.
func stopCluster() {
	if scriptCluster.s != nil {
		scriptCluster.s.Stop()
	}
}

package tuitest

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
)

// ClusterListing is a cluster for the picker.
func ClusterListing() tui.Listing {
	return tui.Listing{Resource: policy.Resource{Name: "shop-cluster", Kind: "kubernetes", Labels: map[string]string{"env": "prod"}}, Power: "cluster",
		Description: "Where the shop runs.", Rights: []policy.Right{{What: "read", Decision: policy.Decision{Effect: policy.Allow, Rule: "engineers-look"}},
			{What: "shell", Decision: policy.Decision{Effect: policy.Approve, Rule: "shells-need-dba", Approvers: []string{"dba"}}}}}
}

// Cluster is a fake session on a cluster: it answers lines by what they begin with.
type Cluster struct {
	b     *backend
	ended chan struct{}

	mu      sync.Mutex
	done    []string
	closed  int
	Answers map[string]string
	// Follow is what a followed log goes on with.
	Follow chan string
}

// OpenCluster opens the fake, which is Bastion.Cluster then.
func (b *backend) OpenCluster(context.Context, string) (tui.Cluster, error) {
	if err := b.Fail["open"]; err != nil {
		return nil, err
	}
	c := &Cluster{b: b, ended: make(chan struct{}), Answers: demoAnswers(), Follow: make(chan string)}
	b.mu.Lock()
	b.cluster = c
	b.mu.Unlock()
	return c, nil
}

// Cluster is the one that was opened last.
func (b *Bastion) Cluster() *Cluster { b.mu.Lock(); defer b.mu.Unlock(); return b.cluster }

func (c *Cluster) ID() recorder.ID        { return "20261123T1930-0007" }
func (c *Cluster) Ended() <-chan struct{} { return c.ended }
func (c *Cluster) Err() error             { return errors.New("the target vanished") }

// End ends the session from behind.
func (c *Cluster) End() { close(c.ended) }

func (c *Cluster) Close() error { c.mu.Lock(); defer c.mu.Unlock(); c.closed++; return nil }

// Done is the lines that were run, and how often the session was closed.
func (c *Cluster) Done() ([]string, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.done...), c.closed
}

func (c *Cluster) Do(ctx context.Context, line []string, ask *tui.Ask, out io.Writer) error {
	text := strings.Join(line, " ")
	c.mu.Lock()
	c.done = append(c.done, text)
	c.mu.Unlock()
	if err := c.b.Fail[text]; err != nil && ask == nil {
		return err
	}
	best := ""
	for k := range c.Answers {
		if strings.HasPrefix(text, k) && len(k) > len(best) {
			best = k
		}
	}
	if best == "" {
		return errors.New(`the cluster knows no "` + line[1] + `": api-resources lists what it knows`)
	}
	if _, err := io.WriteString(out, c.Answers[best]); err != nil {
		return err
	}
	for strings.Contains(text, "--follow") {
		select {
		case more, ok := <-c.Follow:
			if !ok {
				return nil
			}
			if _, err := io.WriteString(out, more); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func demoAnswers() map[string]string {
	return map[string]string{
		"get namespaces": `{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Status"},{"name":"Age"}],"rows":[
			{"cells":["default","Active","90d"],"object":{"metadata":{"name":"default"}}},
			{"cells":["kube-system","Active","90d"],"object":{"metadata":{"name":"kube-system"}}},
			{"cells":["shop","Active","41d"],"object":{"metadata":{"name":"shop"}}}]}`,
		"get pods": `{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Ready"},{"name":"Status"},{"name":"Restarts"},{"name":"Age"},{"name":"IP","priority":1},{"name":"Node","priority":1}],"rows":[
			{"cells":["orders-7d9f8b6c5-2x4kq","2/2","Running",0,"4d","10.1.0.7","node-1"],"object":{"metadata":{"name":"orders-7d9f8b6c5-2x4kq","namespace":"shop"}}},
			{"cells":["payments-0","0/1","CrashLoopBackOff","12 (3m ago)","41m","10.1.0.9","node-2"],"object":{"metadata":{"name":"payments-0","namespace":"shop"}}},
			{"cells":["web-\u001b]0;evil\u0007","1/1","Pending",0,"2s","<none>","node-1"],"object":{"metadata":{"name":"web-1","namespace":"shop"}}}]}`,
		"get deploy":                          `{"kind":"Table","columnDefinitions":[{"name":"Name"},{"name":"Ready"}],"rows":[]}`,
		"get events":                          `{"kind":"Table","columnDefinitions":[{"name":"Last Seen"},{"name":"Type"},{"name":"Reason"},{"name":"Object"},{"name":"Message"}],"rows":[{"cells":["3m","Warning","BackOff","pod/payments-0","Back-off restarting failed container app"],"object":{"metadata":{"name":"payments-0.17","namespace":"shop"}}}]}`,
		"get pod orders-7d9f8b6c5-2x4kq":      "app side",
		"get pod payments-0":                  "app",
		"describe pods":                       "Name:         payments-0\nNamespace:    shop\nKind: Pod\nSpec:\n  containers:\n  - image: example/payments:3\n    name: app\nEvents:\n3m   Warning   BackOff\n",
		"logs --follow --tail 500 -n shop pa": "2026-11-23T19:30:01Z INFO starting\n2026-11-23T19:30:02Z \x1b[31mERROR\x1b[0m cannot reach ledger\n2026-11-23T19:30:03Z INFO retry in 5 s\n",
		"logs --follow --tail 500 -n shop or": "one\ntwo\n",
	}
}

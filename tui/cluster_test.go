package tui_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// cluster opens the fake cluster and presses keys.
func cluster(keys ...string) func(*testing.T, int, int) *tuitest.Driver {
	return func(t *testing.T, w, h int) *tuitest.Driver {
		d, _ := inCluster(t, w, h)
		d.Keys(keys...)
		return d
	}
}

func inCluster(t *testing.T, w, h int) (*tuitest.Driver, *tuitest.Bastion) {
	t.Helper()
	b := tuitest.NewBastion(time.Now)
	b.Listings = append(b.Listings, tuitest.ClusterListing())
	d := as(t, b, tuitest.Alice, w, h)
	d.Keys("/", "shop-cluster", "enter")
	return d, b
}

func TestCluster(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d, b := inCluster(t, 80, 24)
		d.See("namespaces", "kube-system", "▲ PRODUCTION")
		d.Keys("G", "enter")
		d.See("pods in shop", "payments-0", "CrashLoopBackOff", `web-\x1b]0;evil\x07`)
		d.Keys("/", "status:crash")
		d.See("1 of 3")
		d.Miss("orders-7d9f8b6c5")
		d.Keys("esc", "g", "j", "enter")
		d.See("logs payments-0/app", `\x1b[31mERROR\x1b[0m cannot reach ledger`, "following", "3 lines")
		b.Cluster().Follow <- "2026-11-23T19:30:08Z INFO con"
		b.Cluster().Follow <- "nected\n"
		d.Settle()
		d.See("INFO connected", "4 lines")
		b.Cluster().Follow <- "no end of line"
		close(b.Cluster().Follow)
		d.Settle()
		d.See("no end of line", "5 lines")
		d.Miss("following")
		d.Keys("/", "error", "enter")
		d.See("1 of 5 lines")
		d.Miss("INFO connected")
		d.Keys("esc", "esc")
		d.See("pods in shop")
		d.Keys("d")
		d.See("describe payments-0", "image: example/payments:3")
		d.Keys("esc", "e")
		d.See("events of payments-0", "Back-off restarting")
		d.Keys("esc", "g", "s")
		d.See("shell in which of app, side")
		d.Keys("enter")
		want := "exec -i -t -n shop orders-7d9f8b6c5-2x4kq -c app -- sh"
		if next := d.App.Next(); !d.Quit || next.Attach != "shop-cluster" || strings.Join(next.Line, " ") != want {
			t.Fatalf("next is %+v", next)
		}
		d.App.Attached("the shell ended", nil)
		d.Start()
		d.See("pods in shop", "the shell ended")
		d.Keys("esc", "esc")
		d.See("orders-db")
		if _, closed := b.Cluster().Done(); closed != 1 {
			t.Errorf("the session was closed %d times", closed)
		}
	})
}

// A list of pods is asked for again as it grows old, and not while another page is
// on top.
func TestClusterRefresh(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d, b := inCluster(t, 80, 24)
		d.Keys("G", "enter")
		count := func() (n int) {
			lines, _ := b.Cluster().Done()
			for _, l := range lines {
				if strings.HasPrefix(l, "get pods") {
					n++
				}
			}
			return n
		}
		if n := count(); n != 1 {
			t.Fatalf("asked %d times", n)
		}
		d.Advance(6 * time.Second)
		if n := count(); n != 2 {
			t.Errorf("asked %d times after six seconds", n)
		}
		d.Keys("down", "d")
		d.Advance(30 * time.Second)
		if n := count(); n != 2 {
			t.Errorf("asked %d times while something else is seen", n)
		}
	})
}

// What needs approval asks for a reason in place; what fails says why and can be
// tried again; a session that is ended from behind says so.
func TestClusterRefusals(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		d, b := inCluster(t, 80, 24)
		b.Fail["get secrets -o table -A"] = &policy.ApprovalNeeded{Decision: policy.Decision{Effect: policy.Approve, Rule: "secrets-need-dba", Approvers: []string{"dba"}}}
		b.Cluster().Answers["get secrets"] = `{"kind":"Table","columnDefinitions":[{"name":"Name"}],"rows":[{"cells":["db"],"object":{"metadata":{"name":"db","namespace":"shop"}}}]}`
		d.Keys(":", "secrets -A", "enter")
		d.See("reason")
		d.Keys("rotation", "enter")
		d.See("secrets", "db")
		d.Keys("esc")
		b.Fail["get nodes -o table -A"] = errors.New("nodes is forbidden (Forbidden)")
		d.Keys(":", "nodes", "enter")
		d.See("nodes cannot be listed: nodes is forbidden", "tries again")
		d.Keys("esc")
		b.Cluster().End()
		d.Settle()
		d.See("the session on shop-cluster has ended: the target vanished")
	})
}

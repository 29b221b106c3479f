package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors/kubernetes/kubetest"
	"github.com/sallyport/sallyport/server/termtest"
)

// TestGallery draws the README's pictures from the running program, through the
// stock client: `make gallery`. It needs the DejaVu fonts.
func TestGallery(t *testing.T) {
	if os.Getenv("SALLYPORT_GALLERY") == "" {
		t.Skip("draws pictures only for `make gallery`")
	}
	b := startBastion(t)
	galleryCluster(t, b)
	shot := func(s *termtest.Screen, name string) {
		t.Helper()
		const fonts = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono"
		if err := s.Picture(filepath.Join("..", "..", "testdata", "screens", name+".png"), fonts+".ttf", fonts+"-Bold.ttf", false); err != nil {
			t.Fatal(err)
		}
	}
	s := b.screen("alice", 110, 30)
	text := s.WaitFor("a code", func(text string) bool { return userCode.MatchString(text) && loginURL.MatchString(text) })
	shot(s, "sign-in")
	b.approve(text, "alice")
	s.See("demo-host")
	s.Press("down", "down", "down")
	s.See("the shop's data in PostgreSQL")
	shot(s, "picker")
	s.Press("enter")
	s.See("● recorded")
	s.Type("select id, full_name, email, phone, card_number, tier, country from customers;")
	s.Press("enter")
	s.See("500 rows")
	shot(s, "workspace")
	s.Type("delete from orders;")
	s.Press("enter")
	s.WaitFor("the prompt", func(text string) bool { return strings.Contains(text, "Needs approval") })
	s.Type("orders of the test shop")
	s.See("orders of the test shop")
	shot(s, "approval")
	s.Press("esc")
	s.See("enter run")
	s.Press("ctrl+d")
	s.See("type to filter")
	s.Type("billing")
	s.Press("enter")
	s.See("Saved requests")
	s.Type("\x14\r\r") // ctrl+t: the first of the saved ones, as it is
	s.See("200 OK")
	shot(s, "http")
	s.Type("q")
	s.See("type to filter")
	s.Type("disk-usage")
	s.Press("enter")
	s.See("allowed by rule")
	s.Press("enter")
	s.See("Done in")
	shot(s, "command")
	s.Press("esc")
	s.See("type to filter")
	s.Type("shop-cluster")
	s.Press("enter")
	s.See("kube-system")
	s.Type("G")
	s.Press("enter")
	s.See("payments-0")
	shot(s, "pods")
	s.Press("enter")
	s.See("following")
	s.Type("f/order")
	s.See("of 8 lines")
	shot(s, "logs")
}

// galleryCluster adds a cluster to the demo, with something to look at.
func galleryCluster(t *testing.T, b *testBastion) {
	t.Helper()
	c, err := kubetest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	const log = `2026-11-23T19:30:01Z INFO  listening on :8080
2026-11-23T19:30:02Z INFO  connected to orders-db
2026-11-23T19:30:07Z INFO  order 10233 placed by [customer 81], 3 lines
2026-11-23T19:30:09Z WARN  payment of order 10233 is slow, 1.9 s
2026-11-23T19:30:10Z INFO  order 10233 paid
2026-11-23T19:30:31Z INFO  health check
2026-11-23T19:30:40Z ERROR order 10234: warehouse answered 503, again in 5 s
2026-11-23T19:30:45Z INFO  order 10234 placed by [customer 17], 1 line
`
	for _, pod := range []string{"orders-7d9f8b6c5-2x4kq", "orders-7d9f8b6c5-9w7mt", "payments-0", "web-5c6f7d8b9-kk2zp"} {
		if err := c.Pod(t.Context(), pod, log, "app"); err != nil {
			t.Fatal(err)
		}
	}
	token := filepath.Join(b.data, "cluster.token")
	if err := os.WriteFile(token, []byte(c.Token(kubetest.Admin)), 0o600); err != nil {
		t.Fatal(err)
	}
	more := fmt.Sprintf(`resources:
  - {name: shop-cluster, kind: kubernetes, labels: {env: prod, team: shop}, address: %q, tls_root_ca: %q, token: {file: %q}, namespace: shop}
roles:
  - {name: cluster, groups: [engineering], resources: {kinds: [kubernetes]}, rules: [{name: looks, allow: [read]}]}
`, c.Address(), c.CAFile(), token)
	if err := os.WriteFile(filepath.Join(b.data, "cluster.yaml"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(b.data, "demo.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "\nname: demo\n", "\nname: other\ninclude: [cluster.yaml]\n", 1)
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(b.log.String(), "keys=name") && t.Context().Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
}

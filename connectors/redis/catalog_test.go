package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
)

func TestPatternOf(t *testing.T) {
	for key, want := range map[string]string{
		"user:17": "user:*", "user:17:cart": "user:*:cart", "hits": "hits", "a/b/77": "a/b/*", "session:9f8a-12": "session:*", "mail:ann@example.net": "mail:*",
		"token:abcdefghijklmnopqrstuvwxyzabcdef": "token:*", "\xff\xfe": "*", "q\x00": "*", "q:\x00": "q:*", "": "", "1:2:3": "*:*:*", "user:": "user:", "naïve:1": "*:*", strings.Repeat("x", 500): "*",
	} {
		if got := patternOf(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

// TestCatalog: what a catalog shows are names and no data, and it looks at a sample.
func TestCatalog(t *testing.T) {
	_, e := database(t,
		"SET hits 1", "RPUSH queue:mail x", "ZADD rank 1 a", "XADD log * f v", "HSET user:1 name Ann email a@b.example tier2 x", "HSET visits ann@example.net 1 +31612345678 2 total 3",
		`EVAL "for i=1,60 do redis.call('hset','map','k'..string.char(97+i%26)..string.char(97+i/26),i) end" 0`,
		`EVAL "for i=0,19 do redis.call('set','friend:'..string.char(97+i),i) end" 0`, `EVAL "for i=1,3000 do redis.call('set','bulk:'..i,i) end" 0`,
	)
	g := &connectortest.Guard{}
	conn := open(t, New(), e, g).(*Conn)
	all, err := conn.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		var columns []string
		for _, c := range r.Columns {
			columns = append(columns, c.Name+" "+c.Type)
		}
		got = append(got, r.Name+": "+strings.Join(columns, ", "))
	}
	want := []string{
		"bulk:*: value string", "friend:*: value string", "hits: value string", "log: * stream", "map: * hash", "queue:mail: value list", "rank: value zset, score double",
		"user:*: email hash, name hash, tier2 hash", "visits: * hash, total hash",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("catalog:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, n := range g.Notes() {
		if strings.Contains(fmt.Sprint(n), "KEYS") {
			t.Errorf("it asks for all keys: %v", n)
		}
	}
}

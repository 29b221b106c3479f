package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/redis/redisserver"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestKeptEvasions runs the evasions as one who may see the values, and may do
// anything: the transcript stays masked, and no key that no mask covers holds a value
// of one that a mask does.
func TestKeptEvasions(t *testing.T) {
	s, e := database(t, customers...)
	n, _ := strconv.Atoi(e.Database)
	plan, err := mask.NewPlan(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	clearly, err := mask.NewPlan(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	ran := 0
	for _, text := range append([]string{"GET mail:17", "HGETALL user:17"}, evasions...) {
		g := &connectortest.Guard{Seen: clearly, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
		_, _, err := ask(t, conn, g, text)
		if err == nil {
			ran++
		}
		for _, p := range g.Permits() {
			kept := fmt.Sprint(p.Rows(), p.Outcomes())
			for _, o := range p.Outcomes() {
				kept += fmt.Sprint(o.Err)
			}
			if strings.Contains(kept, "@secret") || strings.Contains(kept, "person1") {
				t.Errorf("%s: the transcript keeps %s", text, kept)
			}
		}
	}
	if ran < 30 {
		t.Errorf("only %d of them ran: nothing is proved", ran)
	}
	for _, k := range run(t, s, n, "KEYS *").([]any) {
		key := k.(string)
		if strings.HasPrefix(key, "mail") || key == "all" || strings.HasPrefix(key, "user:") {
			continue
		}
		if dump := fmt.Sprint(contents(t, s, n, key)); strings.Contains(dump, "@secret") || strings.Contains(dump, "person17") {
			t.Errorf("the key %s holds %.200s", key, dump)
		}
	}
}

// TestPaths: where values are masked by their paths in JSON, documents are, and nothing
// else shows a part of one, or makes one that cannot be read.
func TestPaths(t *testing.T) {
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "mail", Path: "$.**.email"}}})
	if err != nil {
		t.Fatal(err)
	}
	const doc = `{"id":1,"to":[{"email":"person17@secret.example"}]}`
	conn := func() connectors.Conn {
		_, e := database(t, "SET d '"+doc+"'", "HSET h doc '"+doc+"' n 1", "RPUSH l '"+doc+"'", "SADD s '"+doc+"'", "ZADD z 1 '"+doc+"'", "XADD x 1-1 doc '"+doc+"'", `SET raw "{\"email\":\"person17@secret.example\",\"x\":\"\xff\"}"`)
		return open(t, New(), e, &connectortest.Guard{})
	}()
	ask := func(text string) (string, error) {
		g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
		rows, _, err := ask(t, conn, g, text)
		shown := fmt.Sprint(rows, g.Permits()[0].Rows(), err)
		if strings.Contains(shown, "person17") || strings.Contains(shown, "@secret") {
			t.Errorf("%s shows %s", text, shown)
		}
		return shown, err
	}
	for _, text := range []string{"GET d", "HGET h doc", "HGETALL h", "LRANGE l 0 -1", "SMEMBERS s", "ZRANGE z 0 -1", "XRANGE x - +", "MGET d", "HMGET h doc n", "GETEX d PERSIST"} {
		if shown, err := ask(text); err != nil || !strings.Contains(shown, `"email":"[masked]"`) {
			t.Errorf("%s: %s, %v", text, shown, err)
		}
	}
	for _, text := range []string{"GET raw", "GETRANGE d 10 -1", "SUBSTR d 1 -1", "SETRANGE d 0 x", "GET d", "SETBIT d 0 1", "GET d", "BITOP NOT e d", "GET e", "APPEND d x", "GET d", "LCS d raw", "SORT_RO l ALPHA", "SORT l ALPHA STORE m",
		"LRANGE m 0 -1", "COPY d e", "GET e", "HVALS h", "DUMP d", "EVAL \"return redis.call('get','d')\" 0", "BITFIELD d SET u8 0 0", "GET d", "LMOVE l m LEFT LEFT", "GETBIT d 3", "ZRANGE z [a + BYLEX", "SUNION s s"} {
		_, _ = ask(text)
	}
	if _, err := ask("INCR n"); err != nil {
		t.Errorf("a counter: %v", err)
	}
}

// contents is all that is in a key.
func contents(t *testing.T, s *redisserver.Server, n int, key string) any {
	t.Helper()
	read := map[string][]string{"string": {"GET", key}, "list": {"LRANGE", key, "0", "-1"}, "set": {"SMEMBERS", key}, "zset": {"ZRANGE", key, "0", "-1"}, "hash": {"HGETALL", key}, "stream": {"XRANGE", key, "-", "+"}}
	kind := run(t, s, n, "TYPE "+Quote(key)).(string)
	v, err := s.In(t.Context(), n, read[kind]...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestEveryCommandUnderMasks makes statements of every command of the table, over keys
// that are masked whole, each of every type, and over what typed values may hit: nothing
// of a value shows, whichever command it is. What ends or changes the server is left
// out.
func TestEveryCommandUnderMasks(t *testing.T) {
	const secret = "77secret77"
	plan, err := mask.NewPlan([]mask.Rule{{Name: "all", Column: "m:*.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, e := database(t)
	n, _ := strconv.Atoi(e.Database)
	fill := func() {
		run(t, s, n, `EVAL "local c=redis.call for _,k in ipairs{'s','l','e','z','h','x','n'} do c('del','m:'..k) end c('del','out') `+
			`c('set','m:s',ARGV[1]) c('set','m:n','7777') c('rpush','m:l',ARGV[1],ARGV[1]) c('sadd','m:e',ARGV[1]) c('zadd','m:z',7777,ARGV[1]) `+
			`c('hset','m:h','f',ARGV[1],'g',7777) c('xadd','m:x','1-1','f',ARGV[1]) c('xgroup','create','m:x','g','0')" 0 `+secret)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	keys := []string{"m:s", "m:l", "m:e", "m:z", "m:h", "m:x", "m:n"}
	tails := []string{"", " 0", " 0 -1", " f", " f g", " - +", " 1", " 0 -1 WITHSCORES", " 1 WITHVALUES", " " + secret, " out", " 0 0 -1", " out 0", " f 1", " 2 COUNT 5"}
	tried := 0
	for name, c := range commands() {
		if len(c.keys) == 0 && !c.moving || c.never || c.blocks || c.name == "MIGRATE" {
			continue
		}
		for _, key := range keys {
			for _, tail := range tails {
				text := strings.ReplaceAll(name, "|", " ") + " " + key + tail
				if len(c.keys) > 0 && c.keys[0].counted {
					text = strings.ReplaceAll(name, "|", " ") + strings.Repeat(" 0", c.keys[0].from-1) + " 1 " + key + tail
				}
				if c.moving && strings.HasPrefix(c.name, "XREAD") {
					text = c.name + " STREAMS " + key + tail
				}
				changes := c.class != policy.Read
				if changes || tried == 0 {
					fill()
				}
				tried++
				g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
				rows, sum, err := ask(t, conn, g, text)
				typed := strings.Contains(text, secret) // may be said again
				if shown := fmt.Sprint(rows, sum.Tag, err); strings.Contains(shown, secret) && !typed || strings.Contains(shown, "7777") && !strings.Contains(text, "7777") {
					t.Errorf("%s shows %s", text, shown)
				}
				if changes && !typed && run(t, s, n, "TYPE out") != "none" {
					if dump := fmt.Sprint(contents(t, s, n, "out")); strings.Contains(dump, secret) {
						t.Errorf("%s puts %s into another key", text, dump)
					}
				}
			}
		}
	}
	if tried < 3000 {
		t.Errorf("%d statements were tried", tried)
	}
}

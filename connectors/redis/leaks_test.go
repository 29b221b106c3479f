package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

func anything(connectors.Operation) error { return nil }

// TestPlacedDocuments: members of a sorted set are in the order of their text. Who may add
// one of his own could ask which documents come before it, letter by letter.
func TestPlacedDocuments(t *testing.T) {
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "mail", Path: "$.**.email"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, attack := range [][]string{
		{`ZADD z 0 '{"email":"p'`}, {`ZINCRBY z 0 '{"email":"p'`}, {`ZADD z 0 ' {"email":"p'`},
		{`ZADD w 0 plain '{"email":"p' 5`, `ZADD w 0 plain 0 '{"email":"p'`, `ZUNIONSTORE z 2 z w`}, {`SADD s '{"email":"p'`, `ZUNIONSTORE z 2 z s WEIGHTS 0 0`},
		{`SADD docs '{"email":"p'`, `ZINTERSTORE z 1 docs`}, {`SADD docs '{"email":"p'`, `ZDIFFSTORE z 1 docs`},
	} {
		_, e := database(t, `ZADD z 0 '{"email":"person17@secret.example"}'`, `SADD docs '{"email":"person17@secret.example"}'`)
		conn := open(t, New(), e, &connectortest.Guard{})
		said := ""
		for _, probe := range []string{"p", "q"} {
			var last string
			for _, text := range append(attack, `ZRANK z '{"email":"p'`) {
				text = strings.ReplaceAll(text, `{"email":"p`, `{"email":"`+probe)
				rows, _, err := ask(t, conn, &connectortest.Guard{Seen: plan, Kept: plan, Judge: anything}, text)
				last = fmt.Sprint(rows, err)
			}
			said += last + "; "
		}
		if strings.ContainsAny(said, "0123456789") { // a place, and not NULL
			t.Errorf("%q tells whether a masked value comes before one's own: %s", attack, said)
		}
	}
}

// TestSharedNumbers: a server shares small numbers, and says of a value that it is one by
// how often it is used.
func TestSharedNumbers(t *testing.T) {
	_, e := database(t, "SET pin:1 4711", "SET pin:2 471100")
	plan, err := mask.NewPlan([]mask.Rule{{Name: "pins", Column: "pin:*.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"OBJECT REFCOUNT pin:1", "OBJECT REFCOUNT pin:2"} {
		if rows, _, err := ask(t, conn, &connectortest.Guard{Seen: plan, Kept: plan, Judge: anything}, text); err == nil {
			t.Errorf("%s says %v", text, rows)
		}
	}
}

// TestKeptCodes: what a script puts where the code of an error stands is a value, and is
// not kept in clear for whoever looks later.
func TestKeptCodes(t *testing.T) {
	_, e := database(t, "SET mail:1 SECRETVALUE")
	plan, err := mask.NewPlan([]mask.Rule{{Name: "mail", Column: "mail:*.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	clearly, err := mask.NewPlan(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{`EVAL "return redis.error_reply(redis.call('get','mail:1')..' x')" 0`, `EVAL "return redis.error_reply(redis.call('get','mail:1'))" 0`} {
		g := &connectortest.Guard{Seen: clearly, Kept: plan, Judge: anything}
		if _, _, err := ask(t, conn, g, text); err == nil {
			t.Errorf("%s: no error", text)
		}
		if kept := fmt.Sprint(g.Permits()[0].Outcomes()[0].Err); strings.Contains(kept, "SECRET") {
			t.Errorf("%s: the transcript keeps %s", text, kept)
		}
	}
}

// TestAnsweredTwice: what comes after an answer was not asked for. It is not taken for the
// answer to the next command, whose values may be shown.
func TestAnsweredTwice(t *testing.T) {
	_, e := pretend(t, but(map[string]string{"GET": "$1\r\na\r\n$6\r\nsecret\r\n", "RANDOMKEY": "$1\r\nr\r\n>2\r\n+invalidate\r\n*0\r\n"}))
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"RANDOMKEY", "RANDOMKEY", "GET a"} { // a push is no answer
		if rows, _, err := ask(t, conn, &connectortest.Guard{}, text); err != nil || len(rows) != 2 {
			t.Fatalf("%s: %v, %v", text, rows, err)
		}
	}
	if rows, _, err := ask(t, conn, &connectortest.Guard{}, "RANDOMKEY"); err == nil || strings.Contains(fmt.Sprint(rows), "secret") {
		t.Errorf("the answer to another command: %v, %v", rows, err)
	}
}

// TestWritesAreNamed: conditions go by the columns that a command changes.
func TestWritesAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"HSET u name x role y": "u.name u.role", "HINCRBY u role 1": "u.role", "HINCRBYFLOAT u role 1": "u.role", "HSETNX u role y": "u.role", "HDEL u role": "u.role",
		"SET u x": "u.value", "MSET u x v y": "u.value v.value", "INCR u": "u.value", "LPUSH u x": "u.value", "ZADD u 1 x": "u.value u.score", "ZINCRBY u 1 x": "u.value u.score",
		"DEL u v": "u.* v.*", "RENAME u v": "u.* v.*", "COPY u v": "v.*", "RESTORE u 0 x": "u.*", "XADD u MAXLEN ~ 5 LIMIT 3 * role y": "u.role", "XADD u NOMKSTREAM 1-1 a b role y": "u.a u.role",
		"XADD u MAXLEN": "u.*", "EXPIRE u 1": "u.*", "SUNIONSTORE d u": "d.value", "XACK u g 1-1": "u.*", "XGROUP CREATE u g $ MKSTREAM": "u.*", "GET u": "", "HGETALL u": "", "XTRIM u MAXLEN 1": "u.*",
	} {
		f := Facts(text)
		var got []string
		for _, c := range f.Writes {
			got = append(got, c.Table+"."+c.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s changes %v, want %s", text, got, want)
		}
		for _, tb := range f.Tables {
			if f.Class == policy.Write && len(f.Tables) == 1 && !tb.Write {
				t.Errorf("%s: %s is not written", text, tb.Name)
			}
		}
	}
}

// TestRanks: who may not see scores does not see their order either.
func TestRanks(t *testing.T) {
	_, e := database(t, "ZADD pay:2026 100 ann 90 bob 120 carl")
	plan, err := mask.NewPlan([]mask.Rule{{Name: "pay", Column: "pay:*.score"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"ZRANGE pay:2026 0 -1", "ZRANGE pay:2026 0 -1 WITHSCORES", "ZREVRANGE pay:2026 0 0", "ZSCAN pay:2026 0", "ZPOPMAX pay:2026"} {
		if rows, _, err := ask(t, conn, &connectortest.Guard{Seen: plan, Kept: plan, Judge: anything}, text); err == nil {
			t.Errorf("%s says who has more: %v", text, rows)
		}
	}
	whole, err := mask.NewPlan([]mask.Rule{{Name: "pay", Column: "pay:*.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ask(t, conn, &connectortest.Guard{Seen: whole, Kept: whole, Judge: anything}, "ZRANGE pay:2026 0 -1"); err != nil {
		t.Errorf("masked whole: %v", err)
	}
}

// TestBoundedHash: a mask's rows bound answers that show its column, named or not.
func TestBoundedHash(t *testing.T) {
	plan, err := mask.NewPlan([]mask.Rule{{Name: "mail", Column: "user:*.email*", Rows: 2}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{
		"HGETALL user:1": 2, "HSCAN user:1 0": 2, "HRANDFIELD user:1 9 WITHVALUES": 2, "XRANGE user:1 - +": 2, "XREAD STREAMS note:1 user:1 0 0": 2, "HMGET user:1 id email": 2,
		"HMGET user:1 id name": 0, "HGETALL note:1": 0, "XRANGE note:1 - +": 0, "GET user:1": 0,
	} {
		if n, rule := assess(text, "0").hub("0").Most(plan); n != want || n > 0 && rule.Name != "mail" {
			t.Errorf("%s may show %d rows by %q, want %d", text, n, rule.Name, want)
		}
	}
}

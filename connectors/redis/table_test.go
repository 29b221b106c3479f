package redis

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

// described is what the server says of a command.
type described struct {
	name       string
	arity      int64
	flags      []string
	categories []string
	subs       bool
}

func (d described) has(flag string) bool { return slices.Contains(d.flags, flag) }

// serverCommands are all commands of the real server, those of two words too.
func serverCommands(t *testing.T) []described {
	t.Helper()
	all, err := server(t).Do(t.Context(), "COMMAND")
	if err != nil {
		t.Fatal(err)
	}
	var out []described
	var add func(v any)
	words := func(v any) (w []string) {
		for _, s := range v.([]any) {
			w = append(w, s.(string))
		}
		return w
	}
	add = func(v any) {
		f := v.([]any)
		subs := f[9].([]any)
		out = append(out, described{strings.ToUpper(f[0].(string)), f[1].(int64), words(f[2]), words(f[6]), len(subs) > 0})
		for _, s := range subs {
			add(s)
		}
	}
	for _, c := range all.([]any) {
		add(c)
	}
	return out
}

// harmless are commands that the server calls dangerous, of which the table thinks
// better, each for a reason: INFO, ROLE and LASTSAVE show counts and addresses of
// replicas and no value; SORT_RO and SORT are slow on large keys, and what they reach by
// patterns is opaque; RESTORE makes one key, of what is typed.
var harmless = []string{"INFO", "ROLE", "LASTSAVE", "SORT", "SORT_RO", "RESTORE"}

// TestTableAgainstServer compares the table with what the server says of each of its
// commands; of a server that the table is of none is left out on either side.
func TestTableAgainstServer(t *testing.T) {
	info, err := server(t).Do(t.Context(), "INFO", "server")
	if err != nil {
		t.Fatal(err)
	}
	lacks := t.Errorf
	if !strings.Contains(info.(string), "redis_version:7.0.") {
		lacks = t.Logf // what is not in the table is unknown
	}
	left := maps.Clone(commands())
	for _, d := range serverCommands(t) {
		c := left[d.name]
		delete(left, d.name)
		switch {
		case c == nil && d.subs:
			continue // a container alone is no command
		case c == nil:
			lacks("%s is not in the table", d.name)
			continue
		}
		severity := c.class.Severity()
		if d.has("write") && severity < policy.Write.Severity() {
			t.Errorf("%s writes, and the table says %s", d.name, c.class)
		}
		if d.has("admin") && severity < policy.Privilege.Severity() {
			t.Errorf("%s is for administrators, and the table says %s", d.name, c.class)
		}
		if slices.Contains(d.categories, "@dangerous") && severity < policy.DDL.Severity() && !slices.Contains(harmless, d.name) {
			t.Errorf("%s is dangerous, and the table says %s", d.name, c.class)
		}
		if slices.Contains(d.categories, "@scripting") && severity < policy.DDL.Severity() && !readsOfCode[d.name] {
			t.Errorf("%s is about code, and the table says %s", d.name, c.class)
		}
		if d.has("blocking") != c.blocks && d.name != "WAIT" {
			t.Errorf("%s blocks: %v, and the table says %v", d.name, d.has("blocking"), c.blocks)
		}
		if d.has("pubsub") && c.class == policy.Read && !strings.HasPrefix(d.name, "PUBSUB|") {
			t.Errorf("%s is about messages, and the table says read", d.name)
		}
		if (d.has("no_multi") || slices.Contains(d.categories, "@transaction")) && !c.never && severity < policy.Dangerous.Severity() {
			t.Errorf("%s changes the session, and the table lets it run", d.name)
		}
	}
	for name := range left {
		lacks("the table has %s, and the server does not", name)
	}
}

// readsOfCode look at code and run none.
var readsOfCode = map[string]bool{"FUNCTION|DUMP": true, "FUNCTION|LIST": true, "FUNCTION|STATS": true, "FUNCTION|HELP": true, "SCRIPT|EXISTS": true, "SCRIPT|HELP": true}

// shapes are statements whose options say which arguments are keys.
var shapes = []string{
	"SORT k", "SORT k BY w:* LIMIT 0 5 GET a:* GET # ASC ALPHA STORE d", "SORT k STORE d", "SORT_RO k BY nosort", "GEORADIUS k 1 1 5 km", "GEORADIUS k 1 1 5 km WITHDIST COUNT 3 ANY ASC STORE d",
	"GEORADIUSBYMEMBER k m 5 km STOREDIST d", "XREAD COUNT 1 BLOCK 5 STREAMS a b 0 0", "XREAD STREAMS streams 0", "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a b > >", "XREADGROUP GROUP STREAMS c STREAMS a >",
	"MIGRATE h 1 k 0 10", "MIGRATE h 1 k 0 10 COPY REPLACE AUTH2 u p", "MIGRATE h 1 \"\" 0 10 AUTH KEYS KEYS a b", "EVAL x 2 a b c", "EVALSHA_RO x 0 c", "FCALL f 1 a b", "LMPOP 2 a b LEFT", "BLMPOP 0 2 a b LEFT",
	"ZMPOP 1 a MIN", "BZMPOP 0 1 a MAX COUNT 2", "SINTERCARD 2 a b LIMIT 1", "ZINTERCARD 1 a", "ZUNIONSTORE d 2 a b WEIGHTS 1 2", "ZINTERSTORE d 1 a", "ZDIFFSTORE d 1 a", "ZUNION 2 a b WITHSCORES", "ZINTER 1 a", "ZDIFF 1 a",
	"OBJECT ENCODING k", "MEMORY USAGE k SAMPLES 5", "XGROUP CREATE k g $ MKSTREAM", "XINFO STREAM k FULL COUNT 5", "BITOP AND d a b", "MSET a 1 b 2", "SET k v GET", "COPY a b DB 1", "PFMERGE d a b", "LCS a b IDX", "BLPOP a b 0",
}

// TestKeysAgainstServer compares the keys that are found with those that the server
// finds, for made statements of every command that has any, and for shapes.
func TestKeysAgainstServer(t *testing.T) {
	s := server(t)
	compared := map[string]bool{}
	check := func(args []string) {
		theirs, err := s.Do(t.Context(), append([]string{"COMMAND", "GETKEYS"}, args...)...)
		j := assess(line(args), "0")
		if j.cmd == nil {
			t.Errorf("%q is not judged", args)
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), "no key arguments") && len(j.keys) > 0 {
				t.Errorf("%q: keys %v, and the server finds none", args, j.keys)
			}
			return
		}
		compared[j.cmd.name] = true
		want := fmt.Sprint(theirs)
		var ours []any
		for _, k := range j.keys {
			ours = append(ours, k.name)
		}
		if got := fmt.Sprint(ours); got != want && j.facts.Class != policy.Unknown {
			t.Errorf("%q: keys %s, and the server finds %s", args, got, want)
		}
	}
	for _, text := range shapes {
		args, err := split(text)
		if err != nil {
			t.Fatal(err)
		}
		check(args)
		if j := assess(text, "0"); len(j.keys) == 0 && !strings.Contains(text, " 0 ") {
			t.Errorf("%s: no keys (%s)", text, j.facts.Why)
		}
	}
	// Numbers throughout, so that counts of keys can be what stands there.
	r := rand.New(rand.NewPCG(1, 2))
	for _, d := range serverCommands(t) {
		c := commands()[d.name]
		if c == nil || c.never || d.name == "COMMAND" {
			continue
		}
		least := int(max(d.arity, -d.arity)) - 1
		for more := range 6 {
			args := strings.Split(d.name, "|")
			for len(args)-1 < least+more {
				args = append(args, fmt.Sprint(1+r.IntN(4)))
			}
			if d.arity >= 0 && more > 0 {
				break
			}
			check(args)
		}
	}
	for name, c := range commands() {
		if (len(c.keys) > 0 || c.moving) && !c.never && !compared[strings.ReplaceAll(name, "|", " ")] {
			t.Errorf("%s: its keys were never compared", name)
		}
	}
}

// TestBeltAgainstServer: the belt worsens nothing of a server that the table is of.
func TestBeltAgainstServer(t *testing.T) {
	_, e := database(t)
	conn := open(t, New(), e, &connectortest.Guard{}).(*Conn)
	learnt := *conn.flags.Load()
	if len(learnt) < 300 {
		t.Fatalf("%d commands were learnt", len(learnt))
	}
	for name, c := range commands() {
		j := &judged{cmd: c, facts: policy.Facts{Class: c.class}}
		if j.compare(learnt); j.facts.Class != c.class {
			t.Errorf("%s: %s", name, j.facts.Why)
		}
	}
}

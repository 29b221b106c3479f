package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// random answer otherwise each time, or by the clock.
var random = map[string]bool{"HRANDFIELD": true, "OBJECT IDLETIME": true}

// TestNothingTells makes statements of every command over keys that are masked whole, in
// two databases that differ in nothing but the masked values: a text and
// one of another length, a number that the server shares and one that it does not. What
// is shown of both is the same, errors and counts too.
func TestNothingTells(t *testing.T) {
	plan, err := mask.NewPlan([]mask.Rule{{Name: "all", Column: "m:*.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := [2][2]string{{"77secret77", "7777"}, {"a quite other one, which is longer", "123456789012"}}
	shows := [2]func(text string, changes bool) string{}
	for i, v := range values {
		s, e := database(t)
		n, _ := strconv.Atoi(e.Database)
		fill := func() {
			run(t, s, n, `EVAL "local c=redis.call for _,k in ipairs{'s','n','l','e','z','h','x'} do c('del','m:'..k) end c('del','plain') c('set','m:s',ARGV[1]) c('set','m:n',ARGV[2]) c('rpush','m:l',ARGV[1],ARGV[2]) c('sadd','m:e',ARGV[2]) c('zadd','m:z',ARGV[2],ARGV[1],5000,'other') `+
				`c('hset','m:h','f',ARGV[1],'g',ARGV[2]) c('xadd','m:x','1-1','f',ARGV[1]) c('xgroup','create','m:x','g','0') c('set','plain','1')" 0 `+Quote(v[0])+" "+v[1])
		}
		fill()
		conn := open(t, New(), e, &connectortest.Guard{})
		shows[i] = func(text string, changes bool) string {
			if changes {
				fill()
			}
			rows, sum, err := ask(t, conn, &connectortest.Guard{Seen: plan, Kept: plan, Judge: anything}, text)
			return fmt.Sprint(rows, sum.Tag, sum.Affected, err)
		}
	}
	tails := []string{"", " 0", " 0 -1", " f", " f g", " - +", " 1", " 0 -1 WITHSCORES", " 1 WITHVALUES", " 77secret77", " plain", " [7 [9", " 0 COUNT 5", " 0 6000", " 7777", " other", " plain IDX", " GET #", " FULL"}
	tried := 0
	for name, c := range commands() {
		if len(c.keys) == 0 && !c.moving || c.never || c.blocks || c.name == "MIGRATE" || random[c.name] {
			continue
		}
		changes := c.class != policy.Read
		for _, key := range []string{"m:s", "m:l", "m:e", "m:z", "m:h", "m:x", "m:n"} {
			for _, tail := range tails {
				text := strings.ReplaceAll(name, "|", " ") + " " + key + tail
				if len(c.keys) > 0 && c.keys[0].counted {
					text = strings.ReplaceAll(name, "|", " ") + strings.Repeat(" 0", c.keys[0].from-1) + " 1 " + key + tail
				}
				tried++
				if a, b := shows[0](text, changes), shows[1](text, changes); a != b {
					t.Errorf("%s tells one from the other: %s; %s", text, a, b)
				}
			}
		}
	}
	if tried < 3000 {
		t.Errorf("%d statements were tried", tried)
	}
}

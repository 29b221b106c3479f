package redis

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// customers fills a database: 400 hashes and what else the evasions look at, all of it
// made of masked values.
var customers = []string{
	`EVAL "for i=1,400 do redis.call('hset','user:'..i,'id',i,'name','Name '..i,'email','person'..i..'@secret.example') end" 0`,
	`EVAL "for i=1,400 do redis.call('hset','all','note'..i,'note '..i,'email'..i,'person'..i..'@secret.example') end" 0`,
	`SET mail:17 person17@secret.example`, `SET mail:18 person18@secret.example`,
	`EVAL "for i=1,20 do redis.call('rpush','mails','person'..i..'@secret.example') redis.call('sadd','mailset','person'..i..'@secret.example') redis.call('zadd','mailrank',i,'person'..i..'@secret.example') redis.call('xadd','mailstream','*','id',i,'email','person'..i..'@secret.example') end" 0`,
	`XGROUP CREATE mailstream g 0`,
	`EVAL "for i=1,20000 do redis.call('rpush','queue','x') end" 0`,
	`SADD ids 17`, `EVAL "redis.call('sadd','wide',string.rep('x',1000))" 0`,
	`SETRANGE huge 8388608 x`, `SET note:1 hello`, `HSET h raw "\x00\xff" name Ann`,
}

var rules = []mask.Rule{
	{Name: "contact", Column: "user:*.email", Method: mask.Redact}, {Name: "all", Column: "all.email*", Method: mask.Redact},
	{Name: "mail", Column: "mail*.*", Method: mask.Redact},
}

// waiting is a session whose command waits, in CLIENT LIST.
var waiting = regexp.MustCompile(` flags=\w*b`)

func TestConformance(t *testing.T) {
	s, e := database(t, customers...)
	n, _ := strconv.Atoi(e.Database)
	clients := func(t testing.TB, which *regexp.Regexp) int {
		list, err := s.Do(t.Context(), "CLIENT", "LIST")
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for line := range strings.Lines(list.(string)) {
			if strings.Contains(line, " user=app ") && which.MatchString(line) {
				count++
			}
		}
		return count
	}
	gone := e
	gone.Database = "99"
	connectortest.Run(t, connectortest.Target{
		Driver: New(), Endpoint: e, Secret: appPassword,
		Faults: []connectortest.Fault{
			{Name: "wrong password", Endpoint: e, Secret: "wrong-Quince-5150", Want: connectors.ErrCredential},
			{Name: "no such database", Endpoint: gone, Secret: appPassword, Want: connectors.ErrUnreachable},
		},
		Sessions: func(t testing.TB) int { return clients(t, regexp.MustCompile("")) },
		Active:   func(t testing.TB) int { return clients(t, waiting) },
		SQL: &connectortest.SQL{
			Read:        "HMGET h name nothing raw",
			ReadWant:    [][]string{{"name", "Ann"}, {"nothing", "NULL"}, {"raw", `"\x00\xff"`}},
			Write:       "LREM queue 1 x",
			Observe:     func(t testing.TB) string { return fmt.Sprint(run(t, s, n, "LLEN queue")) },
			Affected:    1,
			NoBelt:      "Redis has no read-only mode for one command",
			Destructive: []string{"FLUSHDB", "FLUSHALL", "ZREMRANGEBYRANK mailrank 0 -1", "SHUTDOWN NOSAVE"},
			Harmless:    []string{"DEL nothing", "SET note:1 hello", "HSET h name Ann"},
			Unknown:     []string{"MULTI", "SELECT 1", "GET a\nFLUSHALL", "EVAL \"return 1\" 0", "SUBSCRIBE c", "HELLO 2", "GET \"a", "RESET"},
			SyntaxError: "FROBNICATE a", ErrorCode: "ERR",
			Slow:      "XREAD BLOCK 600000 STREAMS nothing $",
			Oversized: "GET huge",
			Large:     func(n int) string { return fmt.Sprintf("SRANDMEMBER wide -%d", n) },
			Masks:     rules,
			Masked:    "HGETALL all",
			Cleartext: []string{"@secret.example", "person17", "person203"},
			Evasions:  evasions,
			Relation: connectors.Relation{Schema: e.Database, Name: "user:*", Kind: policy.TablePlain, Columns: []connectors.RelationColumn{
				{Name: "email", Type: "hash"}, {Name: "id", Type: "hash"}, {Name: "name", Type: "hash"},
			}},
		},
	})
}

// evasions read masked values by other ways.
var evasions = []string{
	"HGET user:17 email", "HMGET user:17 id email", "HGETALL user:17", "HVALS user:17", "HSCAN user:17 0", "HSCAN user:17 0 MATCH email", "HSCAN user:17 0 NOVALUES",
	"HRANDFIELD user:17 3 WITHVALUES", "hget user:17 EMAIL", "HSTRLEN user:17 email", "HINCRBYFLOAT user:17 email 1", "HINCRBY user:17 email 1",
	"GET mail:17", "MGET note:1 mail:17 mail:18", "GETRANGE mail:17 0 -1", "SUBSTR mail:17 0 5", "GETSET mail:17 person17", "SET mail:18 x GET", "SET mail:17 x IFEQ person17",
	"GETEX mail:17 PERSIST", "STRLEN mail:17", "BITCOUNT mail:17", "GETBIT mail:17 1", "BITFIELD mail:17 GET u63 0", "BITFIELD_RO mail:17 GET u63 0", "BITPOS mail:17 1",
	"SETRANGE mail:17 0 p", "APPEND mail:17 x", "LCS mail:17 note:1", "LCS mail:17 mail:18 IDX", "BITOP NOT note:2 mail:17", "BITOP OR note:2 mail:17 mail:17", "GET note:2",
	"COPY mail:17 note:3", "GET note:3", "RENAME mail:18 note:4", "GET note:4", "RENAMENX mail:17 note:5", "MOVE mail:17 9", "DUMP mail:17", "OBJECT ENCODING mail:17", "MEMORY USAGE mail:17",
	"DEBUG OBJECT mail:17", "DEBUG DIGEST-VALUE mail:17", "INCR mail:17", "SETBIT mail:17 0 0", "PFCOUNT mail:17", "PFMERGE note:6 mail:17", "PFADD mail:17 x",
	"LRANGE mails 0 -1", "LINDEX mails 3", "LPOS mails person17@secret.example", "LMOVE mails notes LEFT RIGHT", "RPOPLPUSH mails notes", "LRANGE notes 0 -1", "LPOP mails", "RPOP mails 2", "LMPOP 1 mails LEFT",
	"BLPOP mails 1", "BLMOVE mails notes LEFT LEFT 1", "BRPOPLPUSH mails notes 1", "BLMPOP 1 1 mails LEFT", "SORT mails ALPHA", "SORT_RO mails ALPHA", "SORT mails ALPHA STORE notes",
	"SORT_RO ids GET user:*->email", "SORT ids BY nosort GET mail:*", "SORT_RO ids BY user:*->email GET #", "SORT ids GET mail:* STORE notes", "LINSERT mails BEFORE person17@secret.example x", "LREM mails 1 person17@secret.example",
	"SMEMBERS mailset", "SISMEMBER mailset person17@secret.example", "SMISMEMBER mailset person17@secret.example x", "SRANDMEMBER mailset 5", "SSCAN mailset 0", "SSCAN mailset 0 MATCH person17*", "SPOP mailset",
	"SINTER mailset mailset", "SUNION mailset", "SDIFF mailset ids", "SUNIONSTORE notes mailset", "SMOVE mailset notes person17@secret.example", "SADD mailset person17@secret.example", "SREM mailset person17@secret.example", "SINTERCARD 2 mailset mailset",
	"ZRANGE mailrank 0 -1", "ZRANGE mailrank 0 -1 WITHSCORES", "ZRANGE mailrank [person17 + BYLEX", "ZRANGEBYSCORE mailrank 0 100", "ZRANGEBYLEX mailrank [person17 +", "ZSCORE mailrank person17@secret.example",
	"ZRANK mailrank person17@secret.example", "ZREVRANGE mailrank 0 -1 WITHSCORES", "ZRANDMEMBER mailrank 3 WITHSCORES", "ZPOPMIN mailrank", "ZPOPMAX mailrank 2", "ZMPOP 1 mailrank MIN", "BZPOPMIN mailrank 1",
	"ZSCAN mailrank 0", "ZUNION 1 mailrank", "ZINTER 1 mailrank WITHSCORES", "ZDIFF 1 mailrank", "ZUNIONSTORE notes 1 mailrank", "ZRANGESTORE notes mailrank 0 -1", "ZLEXCOUNT mailrank [person17 +", "ZMSCORE mailrank person17@secret.example",
	"GEOHASH mailrank person17@secret.example", "GEOSEARCH mailrank FROMMEMBER person17@secret.example BYRADIUS 1 km ASC", "GEOPOS mailrank person17@secret.example",
	"XRANGE mailstream - +", "XREVRANGE mailstream + - COUNT 3", "XREAD STREAMS mailstream 0", "XREAD COUNT 2 STREAMS ids mailstream 0 0", "XREADGROUP GROUP g c STREAMS mailstream >", "XINFO STREAM mailstream FULL",
	"XCLAIM mailstream g c 0 1-1", "XAUTOCLAIM mailstream g d 0 0",
	"EVAL \"return redis.call('get','mail:17')\" 0", "EVAL_RO \"return redis.call('hget','user:17','email')\" 1 user:17", "EVAL \"return redis.error_reply(redis.call('get','mail:17'))\" 0", "EVAL \"return {ok=redis.call('get','mail:17')}\" 0",
	"MULTI", "EXEC", "MONITOR", "SLOWLOG GET", "SWAPDB 1 2", "CONFIG SET slowlog-log-slower-than 0", "\"G\\x45T\" \"mail\\x3a17\"", "gEt 'mail:17'", "GET MAIL:17", "GETDEL mail:17", "FCALL f 1 mail:17",
	"RESTORE note:9 0 x", "MIGRATE 127.0.0.1 1 mail:17 0 10", "REPLICAOF 127.0.0.1 1", "CLIENT TRACKING ON", "FUNCTION DUMP", "SCRIPT LOAD \"return 1\"", "ECHO mail:17",
}

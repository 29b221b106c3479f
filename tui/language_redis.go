package tui

import (
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

var redisLanguage = language{
	name: "Redis", statement: "command", catalog: "Keys",
	example: "get key, and enter runs it",
	key:     "enter", runs: "A command is a line, and runs with enter, or ctrl+j.",
	ends:   endsClosed,
	colour: widget.HighlightRedis,
	notes: []string{
		`One command at a time, as in redis-cli: hgetall user:17, set note "two words\x00". A key is a table, its fields are columns; what has none is value, and score.`,
		"Enforced: which command it is and which keys it names; masks by key and field. Over a masked key only commands run that answer with whole values.",
		"Not there: transactions, subscriptions, other databases; scripts and commands of modules are unknown, and denied unless a rule says unknown. The server has no read-only mode for one command.",
	},
	words: strings.Fields(`bitcount config dbsize del exists expire expireat expiretime flushall flushdb get getdel getex
 getrange hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hvals incr incrby info keys lindex linsert llen
 lpop lpush lrange lrem lset ltrim mget mset object persist pexpire pfadd pfcount ping pttl publish rename rpop rpush sadd
 scan scard sdiff set setex setnx sinter sismember smembers spop srandmember srem sscan strlen sunion touch ttl type unlink
 xadd xinfo xlen xrange xread xrevrange zadd zcard zcount zincrby zrange zrangebyscore zrank zrem zrevrange zscan zscore`),
}

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
	colour: widget.HighlightCommand,
	words: strings.Fields(`bitcount config dbsize del exists expire expireat expiretime flushall flushdb get getdel getex
 getrange hdel hexists hget hgetall hincrby hkeys hlen hmget hscan hset hvals incr incrby info keys lindex linsert llen
 lpop lpush lrange lrem lset ltrim mget mset object persist pexpire pfadd pfcount ping pttl publish rename rpop rpush sadd
 scan scard sdiff set setex setnx sinter sismember smembers spop srandmember srem sscan strlen sunion touch ttl type unlink
 xadd xinfo xlen xrange xread xrevrange zadd zcard zcount zincrby zrange zrangebyscore zrank zrem zrevrange zscan zscore`),
}

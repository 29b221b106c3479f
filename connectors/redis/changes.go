package redis

import (
	"strings"

	"github.com/sallyport/sallyport/policy"
)

// changes are the columns that a command changes: fields that it names, else what values
// of that kind are called, and * where it is about the key and all that is in it.
func (j *judged) changes(database string) {
	names := j.changed()
	for _, k := range j.keys {
		if !k.write {
			continue
		}
		for _, n := range names {
			j.facts.Writes = append(j.facts.Writes, policy.Column{Schema: database, Table: k.name, Name: n})
		}
	}
}

func (j *judged) changed() []string {
	name := j.cmd.name
	switch {
	case name == "HSET" || name == "HMSET" || name == "HSETNX":
		return every(j.rest, 1)
	case name == "HDEL":
		return j.rest[1:]
	case name == "HINCRBY" || name == "HINCRBYFLOAT":
		return j.rest[1:min(2, len(j.rest))]
	case name == "XADD":
		if names := entryFields(j.rest); len(names) > 0 {
			return names
		}
		return []string{"*"}
	case ranking[name]:
		return []string{valueColumn, scoreColumn}
	case single[name]:
		return []string{valueColumn}
	}
	return []string{"*"}
}

// every second argument from a place on, as far as each has another behind it.
func every(args []string, from int) (out []string) {
	for i := from; i+1 < len(args); i += 2 {
		out = append(out, args[i])
	}
	return out
}

// entryFields are those of the entry that XADD makes, none where its options are not
// understood.
func entryFields(args []string) []string {
	i := 1
	for i < len(args) {
		switch strings.ToUpper(args[i]) {
		case "NOMKSTREAM":
			i++
		case "MAXLEN", "MINID":
			if i++; at(args, i) == "~" || at(args, i) == "=" {
				i++
			}
			i++
		case "LIMIT":
			i += 2
		default: // the id
			return every(args, i+1)
		}
	}
	return nil
}

// single change values that have no name, ranking those that have a score, too.
var (
	single = words(`APPEND BITFIELD BITOP DECR DECRBY GETSET INCR INCRBY INCRBYFLOAT MSET MSETNX PSETEX SET SETBIT SETEX SETNX SETRANGE PFADD PFMERGE
		BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH LINSERT LMOVE LMPOP LPOP LPUSH LPUSHX LREM LSET LTRIM RPOP RPOPLPUSH RPUSH RPUSHX
		SADD SDIFFSTORE SINTERSTORE SMOVE SPOP SREM SUNIONSTORE SORT`)
	ranking = words(`BZMPOP BZPOPMAX BZPOPMIN ZADD ZDIFFSTORE ZINCRBY ZINTERSTORE ZMPOP ZPOPMAX ZPOPMIN ZRANGESTORE ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE
		ZUNIONSTORE GEOADD GEORADIUS GEORADIUSBYMEMBER GEOSEARCHSTORE`)
)

func words(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}

package redis

import (
	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// places says why a command does not run that would tell of masked values by the order in
// which members of a sorted set are: that of their scores, and of equal ones that of their
// text.
func (j *judged) places(seen *mask.Plan, paths bool, t *connectors.Trace) *policy.Refusal {
	switch {
	case j.cmd == nil || len(j.keys) == 0:
	case paths && adding[j.cmd.name]:
		for _, arg := range j.rest[1:] {
			if document([]byte(arg)) {
				return &policy.Refusal{
					Rule: "masks", Reason: "values are masked by their paths in JSON, and what comes before a document in a sorted set would tell what is in others",
					Hint: "add documents where they are in no order of theirs, to a hash, a set or a list",
				}
			}
		}
	case j.answer == scored || j.answer == zscan:
		return ranked(seen, t.Reads)
	}
	return nil
}

// adding put a member into a sorted set.
var adding = map[string]bool{"ZADD": true, "ZINCRBY": true, "GEOADD": true}

// ranked says why members in the order of their scores do not show: who may not see the
// scores would see who has more. Where no member can be told from another there is no such
// order.
func ranked(seen *mask.Plan, reads []mask.Column) *policy.Refusal {
	if len(reads) != 2 {
		return nil
	}
	member, _ := seen.Column(reads[0])
	score, masked := seen.Column(reads[1])
	may, _ := seen.Predicates(reads[1])
	if !masked || may == mask.AllowPredicates || member.Name != "" && (member.Method == mask.Redact || member.Method == mask.Null) {
		return nil
	}
	return &policy.Refusal{
		Rule: "masks/" + score.Name, Reason: "members come in the order of their scores, which are masked: that would tell who has more",
		Hint: "SCAN, ZCARD and TYPE tell what there is without its order",
	}
}

// counting answer with a count, a place or a yes, and leave values whole: what paths mask
// is not in their answers, and no document is made into one that cannot be read. How many
// come before a text in the order of letters (ZLEXCOUNT) is none of these: it spells the
// document. Nor are those that make one sorted set of several: among documents it would have
// what somebody put in to see what comes before it.
var counting = words(`SADD SREM SMOVE SISMEMBER SMISMEMBER ZADD ZREM ZINCRBY ZCOUNT ZRANK ZREVRANK ZREMRANGEBYSCORE INCR INCRBY INCRBYFLOAT DECR DECRBY HINCRBY HINCRBYFLOAT STRLEN HSTRLEN
	LREM LINSERT LPOS COPY RENAME RENAMENX MOVE PFADD PFCOUNT SUNIONSTORE SINTERSTORE SDIFFSTORE ZRANGESTORE GEOADD`)

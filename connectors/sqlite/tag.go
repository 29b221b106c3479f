package sqlite

import (
	"strconv"

	"github.com/sallyport/sallyport/policy"
)

var readSeverity = policy.Read.Severity()

// affected is how many rows the statement changed, -1 where SQLite does not say.
func (r *rows) affected() int64 {
	switch r.j.facts.Class {
	case policy.Read:
		return 0
	case policy.Write:
		if r.finished && r.err == nil {
			return r.changes
		}
	}
	return -1
}

// tag says what was done, in PostgreSQL's words.
func (r *rows) tag(affected int64) string {
	switch verb := r.j.facts.Verb; {
	case r.j.facts.Class == policy.Read && verb != "EXPLAIN":
		return "SELECT " + strconv.FormatInt(r.n, 10)
	case r.j.facts.Class != policy.Write:
		return verb
	case verb == "INSERT" || verb == "REPLACE":
		return "INSERT 0 " + strconv.FormatInt(affected, 10)
	default:
		return verb + " " + strconv.FormatInt(affected, 10)
	}
}

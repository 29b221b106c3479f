package postgres

import (
	"slices"
	"strconv"
	"strings"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/policy"
)

// wishes are limits that the requester set for the session, which the gate keeps
// beside its own: of two limits of a statement the tighter counts. The operation
// that runs owns them.
type wishes struct {
	statement, local time.Duration // 0 is none; local ends with the transaction
	lock             string        // as it was written; "" is the gate's own
}

// longest is how long a statement may run by what the gate allows and the
// requester wishes.
func (w *wishes) longest(gate time.Duration) time.Duration {
	mine := w.statement
	if w.local > 0 {
		mine = w.local
	}
	if mine > 0 && (gate <= 0 || mine < gate) {
		return mine
	}
	return gate
}

// text sets again what sessionText has taken back.
func (w *wishes) text() string {
	if w.lock == "" {
		return ""
	}
	return "; set lock_timeout = '" + strings.ReplaceAll(w.lock, "'", "''") + "'"
}

// wish notes a limit that was set; inside says that a transaction is open.
func (w *wishes) wish(n *pg.Node, inside bool) {
	s := n.GetVariableSetStmt()
	if s == nil || !limits(s) || s.GetIsLocal() && !inside {
		return
	}
	d, text, _ := limitOf(s)
	switch {
	case s.GetName() == "lock_timeout" && !s.GetIsLocal():
		w.lock = text
	case s.GetName() != "statement_timeout":
	case s.GetIsLocal():
		w.local = d
	default:
		w.statement, w.local = d, 0
	}
}

// limits reports whether a SET or RESET is of a limit that a requester may set, to
// a value that is understood.
func limits(s *pg.VariableSetStmt) bool {
	if s.GetName() != "statement_timeout" && s.GetName() != "lock_timeout" {
		return false
	}
	_, _, ok := limitOf(s)
	return ok
}

// limitOf is the time that a limit is set to, and the text of it; 0 for none and
// for the gate's own.
func limitOf(s *pg.VariableSetStmt) (d time.Duration, text string, ok bool) {
	switch s.GetKind() {
	case pg.VariableSetKind_VAR_RESET, pg.VariableSetKind_VAR_SET_DEFAULT:
		return 0, "", true
	case pg.VariableSetKind_VAR_SET_VALUE:
	default:
		return 0, "", false
	}
	if len(s.GetArgs()) != 1 {
		return 0, "", false
	}
	c := s.GetArgs()[0].GetAConst()
	switch {
	case c.GetIval() != nil:
		text = strconv.Itoa(int(c.GetIval().GetIval()))
	case c.GetSval() != nil:
		text = c.GetSval().GetSval()
	}
	d, ok = milliseconds(text)
	return d, text, ok
}

// timeUnits are those of settings that are times.
var timeUnits = map[string]time.Duration{
	"": time.Millisecond, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
}

// milliseconds reads a setting's value as the server does, rounded to what it keeps.
func milliseconds(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	i := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		i = len(text)
	}
	unit, known := timeUnits[strings.TrimSpace(text[i:])]
	n, err := strconv.ParseFloat(text[:i], 64)
	if err != nil || !known || n*float64(unit) > float64(24*24*time.Hour) {
		return 0, false
	}
	d := time.Duration(n * float64(unit)).Round(time.Millisecond)
	if n > 0 && d == 0 {
		d = time.Millisecond // the tightest there is, rather than none
	}
	return d, true
}

// samePath reports whether SET search_path is to what the session has anyway: names
// mean what they were judged by.
func samePath(s *pg.VariableSetStmt, configured string) bool {
	if s.GetName() != "search_path" || s.GetKind() != pg.VariableSetKind_VAR_SET_VALUE {
		return false
	}
	var names []string
	for _, a := range s.GetArgs() {
		v := a.GetAConst().GetSval()
		if v == nil || strings.Contains(v.GetSval(), ",") {
			return false
		}
		names = append(names, v.GetSval())
	}
	if n := len(names); n > 1 && names[n-1] == "pg_temp" {
		names = names[:n-1]
	}
	return slices.Equal(names, pathNames(configured))
}

// granted takes back why a statement cannot be run, or that it takes a privilege,
// where what the gate does around it makes it harmless.
func (c *Conn) granted(t *traced, j *judgement) *judgement {
	s := t.statement.GetVariableSetStmt()
	if s == nil || j.Statements != 1 {
		return j
	}
	out := *j
	switch {
	case limits(s):
		out.Cannot = ""
	case samePath(s, c.endpoint.SearchPath):
		out.Cannot, out.Class, out.Why = "", policy.Read, nil
	default:
		return j
	}
	return &out
}

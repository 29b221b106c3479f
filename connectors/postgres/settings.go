package postgres

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/policy"
)

// harmlessSettings change how values look or how a plan is made, nothing else.
var harmlessSettings = map[string]bool{
	"timezone": true, "datestyle": true, "intervalstyle": true, "extra_float_digits": true,
	"bytea_output": true, "xmlbinary": true, "xmloption": true, "default_text_search_config": true,
	"lc_monetary": true, "lc_numeric": true, "lc_time": true, "jit": true, "plan_cache_mode": true,
	"geqo": true, "random_page_cost": true, "seq_page_cost": true, "cpu_tuple_cost": true,
	"cpu_index_tuple_cost": true, "cpu_operator_cost": true, "join_collapse_limit": true,
	"from_collapse_limit": true, "effective_cache_size": true, "cursor_tuple_fraction": true,
}

// setting judges SET and RESET. What is not harmless is a matter of privilege:
// it changes who one is, what names mean, or what guards the session.
func (w *walker) setting(s *pg.VariableSetStmt) {
	name := strings.ToLower(s.GetName())
	switch {
	case s.GetKind() == pg.VariableSetKind_VAR_RESET_ALL:
		w.raise(policy.Privilege, "RESET ALL undoes the settings that the gate made")
		w.j.cannot("the gate owns the session's settings")
	case s.GetKind() == pg.VariableSetKind_VAR_SET_MULTI:
		// SET TRANSACTION, SET SESSION CHARACTERISTICS: READ WRITE lifts a limit.
		if name != "transaction" || contains(s.ProtoReflect(), func(d *pg.DefElem) bool { return d.GetDefname() == "transaction_read_only" }) {
			w.raise(policy.Write, "changes what later statements may do")
		}
		w.j.cannot("each statement is a transaction of its own; the gate sets its properties")
	case harmlessSettings[name] || strings.HasPrefix(name, "enable_"):
		w.j.Session = true
	case name == "role" || name == "session_authorization":
		w.raise(policy.Privilege, "changes who the session acts as")
		w.j.cannot("the gate owns the session's identity")
	default:
		w.raise(policy.Privilege, "changes the setting "+name+", which is not on the list of harmless ones")
		w.j.cannot("the gate owns the session's settings")
	}
}

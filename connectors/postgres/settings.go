package postgres

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/policy"
)

// harmlessSettings change how values look, how a plan is made or what a
// session may use of its own, nothing else. enable_* and jit* are harmless too.
var harmlessSettings = words(`timezone datestyle intervalstyle extra_float_digits bytea_output xmlbinary xmloption
	default_text_search_config lc_monetary lc_numeric lc_time jit jit_above_cost plan_cache_mode array_nulls
	quote_all_identifiers timezone_abbreviations seed application_name check_function_bodies
	geqo geqo_threshold random_page_cost seq_page_cost cpu_tuple_cost cpu_index_tuple_cost cpu_operator_cost
	join_collapse_limit from_collapse_limit effective_cache_size cursor_tuple_fraction constraint_exclusion
	default_statistics_target recursive_worktable_factor parallel_setup_cost parallel_tuple_cost
	parallel_leader_participation min_parallel_table_scan_size min_parallel_index_scan_size
	max_parallel_workers max_parallel_workers_per_gather max_parallel_maintenance_workers
	work_mem maintenance_work_mem temp_buffers hash_mem_multiplier logical_decoding_work_mem
	effective_io_concurrency maintenance_io_concurrency backend_flush_after gin_fuzzy_search_limit gin_pending_list_limit
	default_tablespace temp_tablespaces default_table_access_method default_toast_compression
	default_transaction_isolation default_transaction_deferrable transaction_isolation transaction_deferrable`)

// gateSettings are harmless, but the gate sets them for every statement.
var gateSettings = words(`statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout`)

// settledSettings are harmless with the values that the gate could give them.
var settledSettings = map[string][]string{
	"client_min_messages":           {"notice", "warning", "error"}, // less is told, never more
	"client_encoding":               {"utf8", "utf-8", "unicode"},
	"standard_conforming_strings":   {"on", "true", "1", "yes"},
	"default_transaction_read_only": {"on", "true", "1", "yes"},
	"transaction_read_only":         {"on", "true", "1", "yes"},
}

func words(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

func harmlessSetting(name string) bool {
	return harmlessSettings[name] || strings.HasPrefix(name, "enable_")
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
		if lifts(s) {
			w.raise(policy.Write, "changes what later statements may do")
		}
		w.j.cannot("the gate sets the properties of transactions; say them when you begin one: BEGIN ISOLATION LEVEL ..., READ ONLY")
	case harmlessSetting(name):
		w.j.Session = true
	case settled(name, s.GetArgs()):
	case gateSettings[name]:
		w.j.cannot("the gate sets the limits of each session; statement_timeout and lock_timeout may be set to a time")
	case name == "role" || name == "session_authorization":
		w.raise(policy.Privilege, "changes who the session acts as")
		w.j.cannot("the gate owns the session's identity")
	case name == "synchronous_commit":
		w.raise(policy.Write, "decides whether later changes survive a crash")
		w.j.cannot("the gate owns the session's settings")
	case strings.HasSuffix(name, "_preload_libraries") || strings.HasSuffix(name, "_command") || name == "dynamic_library_path" || name == "jit_provider":
		w.raise(policy.Dangerous, "the setting "+name+" loads or runs code")
		w.j.cannot("the gate owns the session's settings")
	case name == "search_path":
		w.raise(policy.Privilege, "changes what names mean")
		w.j.cannot("what was judged and approved goes by the search path of the configuration: write schema.table")
	default:
		w.raise(policy.Privilege, "changes the setting "+name+", which is not on the list of harmless ones")
		w.j.cannot("the gate owns the session's settings")
	}
}

// lifts reports whether SET TRANSACTION or SET SESSION CHARACTERISTICS allows
// writing.
func lifts(s *pg.VariableSetStmt) bool {
	return contains(s.ProtoReflect(), func(d *pg.DefElem) bool {
		return d.GetDefname() == "transaction_read_only" && (d.GetArg() == nil || !isTrue(d.GetArg()))
	})
}

func isTrue(n *pg.Node) bool {
	c := n.GetAConst()
	return n.GetInteger().GetIval() != 0 || c.GetIval().GetIval() != 0 || c.GetBoolval().GetBoolval()
}

// settled reports whether a setting gets the one value that it has anyway.
func settled(name string, args []*pg.Node) bool {
	values, ok := settledSettings[name]
	if !ok || len(args) != 1 {
		return false
	}
	got, ok := literalText(args[0])
	if !ok {
		return isTrue(args[0]) && values[0] == "on"
	}
	for _, v := range values {
		if strings.EqualFold(v, got) {
			return true
		}
	}
	return false
}

// setsConfig judges set_config, which is SET as a function.
func (w *walker) setsConfig(args []*pg.Node) {
	if len(args) == 3 {
		if name, ok := literalText(args[0]); ok && harmlessSetting(strings.ToLower(name)) {
			return
		}
	}
	w.raise(policy.Privilege, "set_config changes the session's settings")
	w.j.cannot("the gate owns the session's settings")
}

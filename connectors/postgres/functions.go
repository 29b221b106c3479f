package postgres

import (
	_ "embed"
	"strings"
	"sync"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sallyport/sallyport/policy"
)

//go:embed functions.txt
var functionsText string

// harmless holds the functions of pg_catalog that a read may call.
var harmless = sync.OnceValue(func() map[string]bool {
	list := make(map[string]bool, 2000)
	for line := range strings.Lines(functionsText) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list[line] = true
		}
	}
	return list
})

// effect is what a function that is not harmless does.
type effect struct {
	class    policy.Class
	why      string
	destroys bool
	opaque   bool // it reads what its arguments say, not what the statement names
	// text is the argument that holds SQL, counted from one: where it is a literal,
	// the call is what that SQL is. The server runs these read-only.
	text int
	// closer: the arguments decide, see walker.closer.
	closer bool
}

// effects are matched by name in any schema, so that a copy of an extension in a
// schema of its own is not missed. A key that ends in * is a prefix.
var effects = map[string]effect{
	"nextval":                {class: policy.Write, why: "moves a sequence"},
	"setval":                 {class: policy.Write, why: "moves a sequence"},
	"currval":                {class: policy.Read},
	"lastval":                {class: policy.Read},
	"setseed":                {class: policy.Read},
	"current_query":          {class: policy.Read},
	"pg_notify":              {class: policy.Write, why: "notifies other sessions"},
	"txid_current":           {class: policy.Write, why: "takes a transaction number"},
	"pg_current_xact_id":     {class: policy.Write, why: "takes a transaction number"},
	"pg_export_snapshot":     {class: policy.Write, why: "exports a snapshot"},
	"pg_advisory_*":          {class: policy.Write, why: "takes or frees advisory locks"},
	"pg_try_advisory_*":      {class: policy.Write, why: "takes or frees advisory locks"},
	"gin_clean_pending_list": {class: policy.DDL, why: "maintains an index"},
	"brin_*":                 {class: policy.DDL, why: "maintains an index"},

	"pg_import_system_collations": {class: policy.DDL, why: "creates collations"},

	"set_config":           {closer: true},
	"pg_terminate_backend": {class: policy.Dangerous, why: "ends other sessions", destroys: true},
	"pg_cancel_backend":    {class: policy.Dangerous, why: "cancels other sessions' statements", destroys: true},

	"pg_reload_conf":                 {class: policy.Dangerous, why: serverControl},
	"pg_rotate_logfile*":             {class: policy.Dangerous, why: serverControl},
	"pg_promote":                     {class: policy.Dangerous, why: serverControl, destroys: true},
	"pg_switch_wal":                  {class: policy.Dangerous, why: serverControl},
	"pg_wal_replay_*":                {class: policy.Dangerous, why: serverControl},
	"pg_backup_*":                    {class: policy.Dangerous, why: serverControl},
	"pg_start_backup":                {class: policy.Dangerous, why: serverControl},
	"pg_stop_backup":                 {class: policy.Dangerous, why: serverControl},
	"pg_create_restore_point":        {class: policy.Dangerous, why: serverControl},
	"pg_log_backend_memory_contexts": {class: policy.Dangerous, why: serverControl},
	"pg_stat_reset*":                 {class: policy.Dangerous, why: "forgets the server's statistics"},
	"pg_stat_statements_reset":       {class: policy.Dangerous, why: "forgets the server's statistics"},
	"pg_stat_force_next_flush":       {class: policy.Write},
	"pg_log_standby_snapshot":        {class: policy.Dangerous, why: serverControl},
	"pg_sync_replication_slots":      {class: policy.Dangerous, why: serverControl},
	"binary_upgrade_*":               {class: policy.Dangerous, why: serverControl},
	"pg_stop_making_pinned_objects":  {class: policy.Dangerous, why: serverControl},
	"pg_nextoid":                     {class: policy.Dangerous, why: serverControl},
	"pg_clear_*":                     {class: policy.Dangerous, why: serverControl},
	"pg_restore_*":                   {class: policy.Dangerous, why: serverControl},

	"pg_replication_origin_*":     {class: policy.Dangerous, why: replication},
	"pg_logical_*":                {class: policy.Dangerous, why: replication, opaque: true},
	"pg_create_*":                 {class: policy.Dangerous, why: replication},
	"pg_copy_*":                   {class: policy.Dangerous, why: replication},
	"pg_replication_slot_advance": {class: policy.Dangerous, why: replication},
	"pg_drop_replication_slot":    {class: policy.Dangerous, why: replication, destroys: true},

	"pg_read_file*":             {class: policy.Dangerous, why: serverFile},
	"pg_read_binary_file":       {class: policy.Dangerous, why: serverFile},
	"pg_ls_*":                   {class: policy.Dangerous, why: serverFile},
	"pg_stat_file":              {class: policy.Dangerous, why: serverFile},
	"pg_file_*":                 {class: policy.Dangerous, why: serverFile},
	"pg_logdir_ls":              {class: policy.Dangerous, why: serverFile},
	"pg_hba_file_rules":         {class: policy.Dangerous, why: serverFile},
	"pg_ident_file_mappings":    {class: policy.Dangerous, why: serverFile},
	"pg_show_all_file_settings": {class: policy.Dangerous, why: serverFile},
	"lo_import":                 {class: policy.Dangerous, why: serverFile},
	"lo_export":                 {class: policy.Dangerous, why: serverFile},
	"adminpack":                 {class: policy.Dangerous, why: serverFile},

	"lo_unlink":  {closer: true},
	"lo_manage":  {class: policy.Write, why: "deletes a large object"},
	"lo_open":    {opaque: true, closer: true},
	"lo_get":     {class: policy.Read, opaque: true},
	"loread":     {class: policy.Read, opaque: true},
	"lo_lseek*":  {class: policy.Read, opaque: true},
	"lo_tell*":   {class: policy.Read, opaque: true},
	"lo_close":   {class: policy.Read, opaque: true},
	"lo_*":       {class: policy.Write, why: "writes a large object", opaque: true},
	"lowrite":    {class: policy.Write, why: "writes a large object", opaque: true},
	"pg_input_*": {class: policy.Read},

	"dblink*":        {class: policy.Dangerous, why: "opens another connection", opaque: true, closer: true},
	"postgres_fdw_*": {class: policy.Dangerous, why: "opens another connection", opaque: true},
	"http":           {class: policy.Dangerous, why: "opens another connection", opaque: true},
	"http_*":         {class: policy.Dangerous, why: "opens another connection", opaque: true},

	"query_to_xml*":  {class: policy.Unknown, why: sqlText, opaque: true, text: 1},
	"cursor_to_xml*": {class: policy.Unknown, why: sqlText, opaque: true},
	"ts_stat":        {class: policy.Unknown, why: sqlText, opaque: true, text: 1},
	"ts_rewrite":     {opaque: true, closer: true},
	"crosstab*":      {class: policy.Unknown, why: sqlText, opaque: true, text: 1},
	"connectby":      {class: policy.Unknown, why: sqlText, opaque: true},
	"xpath_table":    {class: policy.Unknown, why: sqlText, opaque: true},
	"cron_*":         {class: policy.Dangerous, why: sqlText, opaque: true},
	"plpy_*":         {class: policy.Dangerous, why: sqlText, opaque: true},

	"table_to_xml*":          {class: policy.Read, opaque: true},
	"schema_to_xml*":         {class: policy.Read, opaque: true},
	"database_to_xml*":       {class: policy.Read, opaque: true},
	"pg_stat_get_*":          {class: policy.Read, opaque: true},
	"pg_cursor":              {class: policy.Read, opaque: true},
	"pg_prepared_statement":  {class: policy.Read, opaque: true},
	"pg_prepared_xact":       {class: policy.Read, opaque: true},
	"pg_mcv_list_items":      {class: policy.Read, opaque: true},
	"pg_lock_status":         {class: policy.Read, opaque: true},
	"pg_sequence_last_value": {class: policy.Read},
	"pg_show_all_settings":   {class: policy.Read},
}

const (
	serverControl = "controls the server"
	replication   = "controls replication"
	serverFile    = "reaches files of the database host"
	sqlText       = "runs SQL given as text"
)

func effectOf(name string) (effect, bool) {
	if e, ok := effects[name]; ok {
		return e, true
	}
	// The longest prefix wins.
	for i := len(name); i > 0; i-- {
		if e, ok := effects[name[:i]+"*"]; ok {
			return e, true
		}
	}
	return effect{}, false
}

// expression records functions, operators and types that a text uses.
func (w *walker) expression(m protoreflect.Message) {
	switch v := m.Interface().(type) {
	case *pg.FuncCall:
		w.calls(v)
	case *pg.ColumnRef:
		if f := strs(v.GetFields()); len(f) > 1 {
			w.j.Fields = once(w.j.Fields, f[len(f)-1])
		}
	case *pg.A_Indirection:
		for _, f := range strs(v.GetIndirection()) {
			w.j.Fields = once(w.j.Fields, f)
		}
	case *pg.A_Expr:
		w.operator(v.GetName())
	case *pg.SubLink:
		w.operator(v.GetOperName())
	case *pg.SortBy:
		w.operator(v.GetUseOp())
	case *pg.TypeName:
		w.typed(v)
	case *pg.RangeTableSample:
		if n := strs(v.GetMethod()); len(n) == 1 && (n[0] == "system" || n[0] == "bernoulli") {
			return
		}
		w.j.Opaque = true
	}
}

func (w *walker) calls(f *pg.FuncCall) {
	names := strs(f.GetFuncname())
	if len(names) == 0 {
		return
	}
	c := callName{Name: names[len(names)-1]}
	if len(names) > 1 {
		c.Schema = names[len(names)-2]
	}
	e, known := effectOf(c.Name)
	c.Known = known || f == w.routine
	c.Listed = !known && (c.Schema == "" || c.Schema == "pg_catalog") && harmless()[c.Name]
	if known {
		w.effect(c.Name, e, f)
	}
	w.j.call(c)
}

// effect accounts for a function whose effect is known.
func (w *walker) effect(name string, e effect, f *pg.FuncCall) {
	w.j.Opaque = w.j.Opaque || e.opaque
	if e.closer {
		w.closer(name, f)
		return
	}
	if e.text > 0 && w.runsText(name, f, e.text) {
		return
	}
	why := ""
	if e.why != "" {
		why = name + " " + e.why
	}
	w.raise(e.class, why)
	if e.destroys {
		w.destroys(why)
	}
}

// closer judges functions by their arguments.
func (w *walker) closer(name string, f *pg.FuncCall) {
	switch name {
	case "set_config":
		w.setsConfig(f.GetArgs())
	case "lo_unlink":
		w.unlinks(f)
	case "lo_open":
		w.opensObject(f)
	case "ts_rewrite":
		w.rewrites(f)
	default:
		if strings.HasPrefix(name, "dblink") {
			w.elsewhere(name, f)
		}
	}
}

// elsewhere judges a call that sends SQL over another connection: the tables are
// not those of here, but what is lost there is lost all the same.
func (w *walker) elsewhere(name string, f *pg.FuncCall) {
	w.raise(policy.Dangerous, name+" opens another connection")
	for _, a := range f.GetArgs() {
		text, ok := literalText(a)
		if !ok {
			continue
		}
		if in := judgeWithin(text, w.j.depth); in != nil && in.Destructive {
			w.destroys(name + " sends SQL that destroys")
		}
	}
}

// runsText judges the SQL that a function is given. crosstab takes a second one.
func (w *walker) runsText(name string, f *pg.FuncCall, first int) bool {
	args := f.GetArgs()
	texts := 1
	if name == "crosstab" && len(args) == 2 && unwrap(args[1]).GetAConst().GetIval() == nil {
		texts = 2
	}
	if len(args) < first-1+texts {
		return false
	}
	var all []*judgement
	for _, a := range args[first-1 : first-1+texts] {
		text, ok := literalText(a)
		in := (*judgement)(nil)
		if ok {
			in = judgeWithin(text, w.j.depth)
		}
		if in == nil {
			return false
		}
		all = append(all, in)
	}
	for _, in := range all {
		w.j.names(in)
		w.raise(in.Class, name+" "+sqlText)
		for _, why := range in.Why {
			w.j.because(why)
		}
		if in.Destructive {
			w.destroys("")
		}
	}
	return true
}

// rewrites judges ts_rewrite: with two arguments the second is SQL, with three
// there is none.
func (w *walker) rewrites(f *pg.FuncCall) {
	if len(f.GetArgs()) == 3 || len(f.GetArgs()) == 2 && w.runsText("ts_rewrite", f, 2) {
		return
	}
	w.raise(policy.Unknown, "ts_rewrite "+sqlText)
}

// unlinks judges lo_unlink: one object named by its number, or any.
func (w *walker) unlinks(f *pg.FuncCall) {
	w.raise(policy.Write, "lo_unlink deletes a large object")
	for _, a := range f.GetArgs() {
		if unwrap(a).GetAConst() == nil && unwrap(a).GetParamRef() == nil {
			w.destroys("lo_unlink deletes large objects")
		}
	}
}

// inversionWrite is the bit of lo_open's mode that allows writing.
const inversionWrite = 0x20000

func (w *walker) opensObject(f *pg.FuncCall) {
	if a := f.GetArgs(); len(a) == 2 {
		if mode, ok := number(a[1]); ok && int64(mode)&inversionWrite == 0 {
			return
		}
	}
	w.raise(policy.Write, "lo_open may open a large object for writing")
}

func (w *walker) operator(name []*pg.Node) {
	n := strs(name)
	if len(n) == 0 {
		return
	}
	if len(n) > 1 && n[0] != "pg_catalog" {
		w.j.Opaque = true // an operator of a named schema calls a function there
	}
	w.j.Operators = once(w.j.Operators, n[len(n)-1])
}

// typed records types that may be a user's: a domain or a cast calls functions.
func (w *walker) typed(t *pg.TypeName) {
	n := strs(t.GetNames())
	switch {
	case len(n) == 0, len(n) == 2 && n[0] == "pg_catalog", t == w.serial:
	default:
		w.j.Types = once(w.j.Types, n[len(n)-1])
	}
}

package judge

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// spec is what is known of a command.
type spec struct {
	name        string // as it is spelled, where it has two spellings
	class       policy.Class
	why         string
	form        Form
	fields      map[string]bool
	limited     bool // takes maxTimeMS
	batched     string
	admin, both bool // is run on admin; may be
	destructive bool
	opaque      bool // tells more than the database's own
	free        bool // may have any option
	judge       func(a *analysis, cmd bsoncore.Document)
}

// general are options that change nothing of what a command does.
var general = set("comment maxTimeMS readConcern writeConcern $db")

// commands are all that are known. What is not here is denied.
var commands = table()

func table() map[string]spec {
	t := map[string]spec{
		"find": {class: policy.Read, form: Cursor, limited: true, batched: "batchSize", judge: (*analysis).find,
			fields: set("filter projection sort limit skip hint collation singleBatch batchSize allowDiskUse let")},
		"aggregate": {class: policy.Read, form: Cursor, limited: true, batched: "cursor", judge: (*analysis).aggregate,
			fields: set("pipeline cursor allowDiskUse collation hint let bypassDocumentValidation explain")},
		"count": {class: policy.Read, form: Number, limited: true, judge: (*analysis).count,
			fields: set("query limit skip hint collation")},
		"distinct": {class: policy.Read, form: Values, limited: true, judge: (*analysis).distinct,
			fields: set("key query collation hint")},
		"explain": {class: policy.Read, limited: true, judge: (*analysis).explain, fields: set("verbosity")},

		"insert":        {class: policy.Write, form: Written, judge: (*analysis).insert, fields: set("documents ordered bypassDocumentValidation")},
		"update":        {class: policy.Write, form: Written, limited: true, judge: (*analysis).update, fields: set("updates ordered bypassDocumentValidation let")},
		"delete":        {class: policy.Write, form: Written, limited: true, judge: (*analysis).delete, fields: set("deletes ordered let")},
		"findAndModify": {class: policy.Write, form: Found, limited: true, judge: (*analysis).findAndModify, fields: set("query sort remove update new fields upsert bypassDocumentValidation collation arrayFilters hint let")},

		"listCollections": {class: policy.Read, form: Cursor, batched: "cursor", fields: set("filter nameOnly authorizedCollections cursor")},
		"listIndexes":     {class: policy.Read, form: Cursor, batched: "cursor", fields: set("cursor"), judge: (*analysis).about},
		"listDatabases":   {class: policy.Read, admin: true, fields: set("filter nameOnly authorizedDatabases")},
		"collStats":       {class: policy.Read, fields: set("scale"), judge: (*analysis).about},
		"dbStats":         {class: policy.Read, fields: set("scale freeStorage")},
		"dataSize":        {class: policy.Read, fields: set(""), judge: (*analysis).measured},
	}
	t["findandmodify"] = t["findAndModify"].named("findAndModify")
	for _, w := range strings.Fields("ping hello isMaster ismaster buildInfo buildinfo connectionStatus serverStatus hostInfo listCommands whatsmyuri") {
		t[w] = spec{class: policy.Read, both: true, fields: set("showPrivileges")}
	}
	structure(t)
	server(t)
	return t
}

func (s spec) named(name string) spec { s.name = name; return s }

// structure are commands about collections themselves.
func structure(t map[string]spec) {
	t["create"] = spec{class: policy.DDL, why: "makes a collection or a view", judge: (*analysis).create,
		fields: set("capped size max validator validationLevel validationAction collation timeseries expireAfterSeconds viewOn pipeline clusteredIndex storageEngine indexOptionDefaults autoIndexId")}
	t["createIndexes"] = spec{class: policy.DDL, why: "makes indexes", judge: (*analysis).indexed, fields: set("indexes commitQuorum")}
	t["dropIndexes"] = spec{class: policy.DDL, why: "drops indexes", judge: (*analysis).altered, fields: set("index")}
	t["collMod"] = spec{class: policy.DDL, why: "changes a collection", judge: (*analysis).collMod,
		fields: set("index validator validationLevel validationAction viewOn pipeline cappedSize cappedMax expireAfterSeconds changeStreamPreAndPostImages")}
	t["drop"] = spec{class: policy.DDL, why: "drops a collection", destructive: true, judge: (*analysis).altered, fields: set("")}
	t["dropDatabase"] = spec{class: policy.DDL, why: "drops the database", destructive: true, fields: set("")}
	t["renameCollection"] = spec{class: policy.DDL, why: "renames a collection", admin: true, judge: (*analysis).rename, fields: set("to dropTarget")}
	t["convertToCapped"] = spec{class: policy.DDL, why: "cuts a collection", destructive: true, judge: (*analysis).altered, fields: set("size")}
	t["compact"] = spec{class: policy.DDL, why: "rewrites a collection", judge: (*analysis).altered, fields: set("force freeSpaceTargetMB dryRun")}
	t["reIndex"] = spec{class: policy.DDL, why: "makes indexes anew", judge: (*analysis).altered, fields: set("")}
	t["validate"] = spec{class: policy.DDL, why: "locks a collection while it is looked through", judge: (*analysis).altered, fields: set("full metadata repair checkBSONConformance")}
}

// Commands of whose options nothing matters: they are judged by their names.
var (
	accounts = `createUser updateUser dropUser dropAllUsersFromDatabase grantRolesToUser revokeRolesFromUser
		createRole updateRole dropRole dropAllRolesFromDatabase grantPrivilegesToRole revokePrivilegesFromRole grantRolesToRole revokeRolesFromRole invalidateUserCache`
	told = `currentOp getLog getCmdLineOpts getParameter usersInfo rolesInfo top profile connPoolStats replSetGetStatus replSetGetConfig lockInfo`
	rule = `shutdown setParameter killOp killAllSessions killAllSessionsByPattern killSessions fsync fsyncUnlock logRotate
		replSetInitiate replSetReconfig replSetStepDown replSetFreeze replSetMaintenance replSetResizeOplog replSetSyncFrom replSetAbortPrimaryCatchUp
		setFeatureCompatibilityVersion setDefaultRWConcern setIndexCommitQuorum planCacheClear planCacheSetFilter planCacheClearFilters
		addShard removeShard enableSharding shardCollection moveChunk movePrimary reshardCollection balancerStart balancerStop flushRouterConfig
		cloneCollectionAsCapped applyOps rotateCertificates setAuditConfig setClusterParameter dropConnections`
	code = "eval $eval mapReduce mapreduce"
)

func server(t map[string]spec) {
	for _, w := range strings.Fields(accounts) {
		t[w] = spec{class: policy.Privilege, why: w + " changes accounts or rights", both: true, destructive: strings.HasPrefix(w, "drop"), opaque: true, free: true, judge: (*analysis).any}
	}
	for _, w := range strings.Fields(told) {
		t[w] = spec{class: policy.Privilege, why: w + " tells of what others do, or how the server is set up", both: true, opaque: true, free: true, judge: (*analysis).any}
	}
	for _, w := range strings.Fields(rule) {
		t[w] = spec{class: policy.Dangerous, why: w + " steers the server", both: true, destructive: w == "shutdown" || strings.HasPrefix(w, "kill"), opaque: true, free: true, judge: (*analysis).any}
	}
	for _, w := range strings.Fields(code) {
		t[w] = spec{class: policy.Dangerous, why: w + " runs code at the server", opaque: true, free: true, judge: (*analysis).any}
	}
}

// target is the collection that a command names first.
func (a *analysis) target(cmd bsoncore.Document) string {
	s, ok := cmd.Index(0).Value().StringValueOK()
	if !ok {
		a.unknown(a.Name + " names no collection")
	}
	return s
}

// scoped is what paths and variables mean in a command over documents.
func (a *analysis) scoped(cmd bsoncore.Document, root *connectors.Document) scope {
	s := scope{root: root}
	if let, ok := cmd.Lookup("let").DocumentOK(); ok {
		elems, _ := let.Elements()
		for _, e := range elems {
			a.own(e.Key())
			s = s.with(e.Key(), a.expr(e.Value(), scope{root: nothing}))
		}
	}
	return s
}

func (a *analysis) find(cmd bsoncore.Document) {
	s := a.scoped(cmd, a.source(a.target(cmd)))
	if d, ok := cmd.Lookup("filter").DocumentOK(); ok {
		a.filter(d, s, "filter", true)
	} else if _, err := cmd.LookupErr("filter"); err == nil {
		a.unknown("a filter is a document")
	}
	if v, err := cmd.LookupErr("sort"); err == nil {
		a.keys(v, s, "sort")
	}
	a.hint(cmd, s)
	a.Document = s.root
	if v, err := cmd.LookupErr("projection"); err == nil {
		d, ok := v.DocumentOK()
		if !ok {
			a.unknown("a projection is a document")
		} else if len(keysOf(d)) > 0 {
			a.Document = a.project(d, s, true)
		}
	}
}

func (a *analysis) aggregate(cmd bsoncore.Document) {
	var root *connectors.Document
	if _, named := cmd.Index(0).Value().StringValueOK(); named {
		root = a.source(a.target(cmd))
	} else {
		root = nothing
	}
	s := a.scoped(cmd, root)
	stages, ok := cmd.Lookup("pipeline").ArrayOK()
	if !ok {
		a.unknown("aggregate takes a list of stages")
		return
	}
	a.hint(cmd, s)
	a.Document = a.pipeline(stages, s, false)
	a.ends(stages)
	if on, _ := cmd.Lookup("explain").BooleanOK(); on {
		a.explained()
	}
}

// ends finds the stages that write, of which one may stand at the end. What is no
// document the pipeline has made unknown.
func (a *analysis) ends(stages bsoncore.Array) {
	values, _ := stages.Values()
	for i, v := range values {
		d, _ := v.DocumentOK()
		k := keysOf(d)
		switch {
		case len(k) != 1 || k[0] != "$out" && k[0] != "$merge":
		case i == len(values)-1:
			a.Facts.Verb += " " + strings.ToUpper(k[0])
		default:
			a.unknown(fmt.Sprintf("%s is stage %d, and stands at the end alone", k[0], i+1))
		}
	}
}

func (a *analysis) count(cmd bsoncore.Document) {
	s := scope{root: a.source(a.target(cmd))}
	if d, ok := cmd.Lookup("query").DocumentOK(); ok {
		a.filter(d, s, "filter", true)
	}
	a.hint(cmd, s)
	a.Trace.Counts = 1
}

func (a *analysis) distinct(cmd bsoncore.Document) {
	s := scope{root: a.source(a.target(cmd))}
	key, ok := cmd.Lookup("key").StringValueOK()
	if !ok || strings.HasPrefix(key, "$") {
		a.unknown("distinct takes the name of a field")
		return
	}
	if d, ok := cmd.Lookup("query").DocumentOK(); ok {
		a.filter(d, s, "filter", true)
	}
	a.hint(cmd, s)
	a.Document = at(s.root, key)
	a.decides(a.Document, "distinct")
	a.order[a.Document] = []string{key}
}

// explain judges the command that is explained: what decides its rows decides the
// numbers of its plan.
func (a *analysis) explain(cmd bsoncore.Document) {
	inner, ok := cmd.Index(0).Value().DocumentOK()
	name := ""
	if k := keysOf(inner); len(k) > 0 {
		name = k[0]
	}
	spec, known := a.commands[name]
	if !ok || !known || spec.judge == nil || spec.class != policy.Read && spec.class != policy.Write || name == "explain" || name == "insert" {
		a.unknown("what is explained is no query and no update")
		return
	}
	for _, k := range keysOf(inner)[1:] {
		if !spec.fields[k] && !general[k] || k == "$db" {
			a.unknown(fmt.Sprintf("the option %q of %s is not known here", clip(k), name))
		}
	}
	a.Name, a.Facts.Verb = name, strings.ToUpper(name)
	spec.judge(a, inner)
	a.Name, a.Facts.Verb = "explain", "EXPLAIN "+a.Facts.Verb
	a.explained()
}

// explained is a command that is planned, or run without effect. A pipeline that ends in
// writing is what some servers run all the same: it stays a write.
func (a *analysis) explained() {
	a.explains, a.Form = true, Reply
	a.Batched = ""
	if strings.Contains(a.Facts.Verb, "$") {
		return
	}
	if a.Facts.Destructive = false; a.Facts.Class == policy.Write || a.Facts.Class == policy.Read {
		a.Facts.Class, a.Facts.Why = policy.Read, ""
	}
	for i := range a.Facts.Tables {
		a.Facts.Tables[i].Write = false
	}
	a.Facts.Writes, a.Trace.Writes = nil, nil
}

// measured is a command that names its collection with the database.
func (a *analysis) measured(cmd bsoncore.Document) {
	name, ok := strings.CutPrefix(a.target(cmd), a.db+".")
	if !ok {
		a.unknown("the database is the resource's")
		return
	}
	a.table(name, false)
}

// about is a command that tells of a collection, not of its documents.
func (a *analysis) about(cmd bsoncore.Document) { a.table(a.target(cmd), false) }

func (a *analysis) altered(cmd bsoncore.Document) {
	name := a.target(cmd)
	a.table(name, true)
	switch a.Name {
	case "dropIndexes":
		a.Facts.Why = "drops indexes of " + name
		if s, _ := cmd.Lookup("index").StringValueOK(); s == "*" {
			a.destroys("drops all indexes of " + name)
		}
	case "drop":
		a.Facts.Why = "drops " + name
	}
}

// indexed judges new indexes: how many documents are in one can be told, and one may make
// documents end.
func (a *analysis) indexed(cmd bsoncore.Document) {
	a.altered(cmd)
	name := a.target(cmd)
	for _, d := range a.list(cmd, "indexes") {
		if _, err := d.LookupErr("expireAfterSeconds"); err == nil {
			a.destroys("deletes documents of " + name + " when they are old")
		}
		v, err := d.LookupErr("partialFilterExpression")
		if err != nil {
			continue
		}
		if f, ok := v.DocumentOK(); ok {
			a.filter(f, scope{root: a.source(name)}, "partialFilterExpression", false)
		} else {
			a.unknown("a filter is a document")
		}
	}
}

// create judges a collection or a view: what a view shows is not masked like that from
// which it comes.
func (a *analysis) create(cmd bsoncore.Document) {
	name := a.target(cmd)
	a.table(name, true)
	a.view(cmd, name)
}

func (a *analysis) view(cmd bsoncore.Document, name string) {
	on, err := cmd.LookupErr("viewOn")
	if err != nil {
		return
	}
	root := a.source(a.collectionOf(on))
	if stages, ok := cmd.Lookup("pipeline").ArrayOK(); ok {
		root = a.pipeline(stages, scope{root: root}, true)
	}
	a.Trace.Writes = append(a.Trace.Writes, connectors.Written{Into: name, Sources: root.Columns()})
}

func (a *analysis) collMod(cmd bsoncore.Document) {
	name := a.target(cmd)
	a.table(name, true)
	a.view(cmd, name)
	index, _ := cmd.Lookup("index").DocumentOK()
	for _, d := range []bsoncore.Document{cmd, index} {
		for _, k := range keysOf(d) {
			if k == "expireAfterSeconds" || k == "cappedSize" || k == "cappedMax" {
				a.destroys("deletes documents of " + name + " that are old, or too many")
			}
		}
	}
	if v, err := cmd.LookupErr("validator"); err == nil {
		if d, ok := v.DocumentOK(); ok && len(keysOf(d)) > 0 {
			// Whether documents fit it can be told by changing them.
			a.filter(d, scope{root: a.source(name)}, "validator", false)
		}
	}
}

// rename judges renameCollection: masks go by names.
func (a *analysis) rename(cmd bsoncore.Document) {
	from, ok := strings.CutPrefix(a.target(cmd), a.db+".")
	text, _ := cmd.Lookup("to").StringValueOK()
	to, ok2 := strings.CutPrefix(text, a.db+".")
	if !ok || !ok2 {
		a.unknown("a collection is renamed within the resource's database")
		return
	}
	root := a.source(from)
	a.table(from, true)
	a.table(to, true)
	if isSet(cmd, "dropTarget") {
		a.destroys("drops " + to + " to give its name to another")
	}
	a.Trace.Writes = append(a.Trace.Writes, connectors.Written{Into: to, Sources: root.Columns()})
}

// any judges a command by its name alone.
func (a *analysis) any(cmd bsoncore.Document) {
	if show, err := cmd.LookupErr("showCredentials"); err == nil {
		if off, ok := show.BooleanOK(); !ok || off {
			a.Cannot = "it would show the hashes of passwords"
		}
	}
}

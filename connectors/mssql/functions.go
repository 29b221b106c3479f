package mssql

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed functions.txt
var functionsText string

// harmless are the names that may stand before a bracket.
var harmless = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for line := range strings.Lines(functionsText) {
		if !strings.HasPrefix(line, "#") {
			for w := range strings.FieldsSeq(line) {
				m[w] = true
			}
		}
	}
	return m
})

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

var (
	// grammar are words before a bracket that is no list of arguments.
	grammar = set("AND OR NOT IS LIKE BETWEEN CASE WHEN THEN ELSE END SELECT DISTINCT ALL FROM WHERE BY HAVING ON USING AS UNION EXCEPT INTERSECT JOIN WITH VALUES OVER IN EXISTS ANY SOME TOP OPTION APPLY PIVOT UNPIVOT SETS GROUP PATH RAW ROOT OFFSET NEXT FIRST TABLESAMPLE SET INDEX MAXRECURSION")
	// globals are the variables of the server that say nothing of other sessions.
	globals = set("@@VERSION @@SERVERNAME @@SERVICENAME @@SPID @@TRANCOUNT @@LANGUAGE @@DATEFIRST @@MAX_PRECISION @@LOCK_TIMEOUT @@NESTLEVEL @@OPTIONS @@TEXTSIZE")
	// looks are hints under which a read takes no lock that it would not take anyway,
	// locks those by which it does.
	looks = set("NOLOCK READUNCOMMITTED READCOMMITTED READCOMMITTEDLOCK READPAST ROWLOCK PAGLOCK NOEXPAND FORCESEEK FORCESCAN SNAPSHOT NOWAIT INDEX")
	locks = set("XLOCK TABLOCK TABLOCKX UPDLOCK HOLDLOCK SERIALIZABLE REPEATABLEREAD")
	// contextual words begin a statement only after a semicolon.
	contextual = set("THROW SEND RECEIVE GET MOVE ENABLE DISABLE ADD")
	// others begin statements of servers that are SQL Server's kin (Synapse, Fabric).
	others = set("COPY RENAME")
	// secrets are views and tables of the server that hold what signs in.
	secrets = set("sql_logins syslogins sysxlogins sysremotelogins sysusers")
	// telling are views of the server that show what other sessions run, or texts that
	// made things, which may hold passwords: by their names, and by how those begin.
	telling      = set("sysprocesses syscacheobjects syscomments syslockinfo sql_modules all_sql_modules system_sql_modules server_sql_modules query_store_query_text query_store_plan routines traces trace_events")
	tellingFirst = []string{"dm_exec_", "dm_tran_", "dm_os_", "dm_xe_", "dm_io_", "dm_server_", "dm_cdc_", "dm_pdw_", "query_store_query"}
)

// tells reports whether a table's name may be of a view that tells of other sessions.
func tells(schema, name string) bool {
	schema, name = strings.ToLower(schema), strings.ToLower(name)
	switch {
	case schema != "sys" && schema != "information_schema" && !strings.HasPrefix(name, "sys"):
		return false
	case telling[name], schema == "information_schema" && name == "views":
		return true
	}
	return slices.ContainsFunc(tellingFirst, func(first string) bool { return strings.HasPrefix(name, first) })
}

package mssql

import (
	_ "embed"
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
)

package tui

// What the help says of the kinds whose SQL is parsed: what is enforced there, and what
// not.
var (
	postgresNotes = []string{
		"Enforced: class, tables and columns, by PostgreSQL's own grammar; masks by where each value comes from. A read runs in a read-only transaction, one statement at a time.",
		"Not there: statements whose functions cannot be followed run with a second login that can read no masked column, or not at all; SET, LISTEN and SAVEPOINT.",
	}
	mysqlNotes = []string{
		"Enforced: class, tables and columns; masks by where each value comes from. A read runs in a read-only transaction, one statement at a time.",
		"Not there: what the grammar does not take is unknown (HANDLER, triggers, SET STATEMENT); stored functions are not followed; no second login. Tried with MariaDB alone.",
	}
	sqliteNotes = []string{
		"Enforced: class, tables and columns, by SQLite's own authorizer; masks by where each value comes from. A read cannot write.",
		"Not there: a second login; full-text tables where columns are masked.",
	}
)

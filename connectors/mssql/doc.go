// Package mssql answers: how do I speak to Microsoft SQL Server, and what would a
// statement do there?
//
// It was never run against a real SQL Server or Azure SQL: none can be had where it is
// built. Its suite runs against package tdstest, which speaks TDS as MS-TDS says and
// answers from SQLite. Beside that it is tried with what was recorded of real ones, by
// others (testdata/): the packets of the protocol's document, among them Azure SQL's answer
// to a login, and SQL Server 2025's pre-login, answer to a login and rows; and tdstest with
// what Microsoft's clients send. So the line, the gate and the judgement are shown; what a
// real server makes of the texts and settings below is as its documentation says, and no
// more.
//
// # Judgement
//
// There is no parser for T-SQL. Package sqltext cuts a text into tokens and refuses
// what may be cut in two ways; forms are known by their first word (statements.go,
// admin.go), and what is left is looked at token by token (region.go). T-SQL needs no
// semicolon between statements, so a text is one statement only if no word that begins
// one stands where its form has none; columns that are called like such words must be
// in brackets. A text that begins with a name calls a procedure and is unknown; so are
// local variables, cursors, control of flow, MERGE, OUTPUT, SET but for a few, and
// every function but those of functions.txt: one's own are called with their schema's
// name and may do anything. EXEC is dangerous whatever it calls. Names of other
// databases and of linked servers are dangerous.
//
// # Running
//
// A text is sent as typed, as a batch. What was judged a read runs in a transaction
// that is rolled back whatever happens; within a transaction of the requester's own
// that is not possible, and the judgement stands alone. SQL Server has no read-only
// transaction: a rollback undoes changes of tables, but not what leaves the database
// (xp_cmdshell, linked servers, files), sequences and identities, locks while they
// last. Against these the judgement is all there is, beside the login's rights, which
// are to be those of a reader. A statement that ran as a read and answered no rows is
// an error, after the rollback.
//
// Before each statement the session is made the gate's own again (sessionText):
// QUOTED_IDENTIFIER, which decides how a text is read, no limits or transactions of
// others' making, ten seconds for locks, and TEXTSIZE, by which a value of more than 8
// MiB is cut; that is noticed and refused. A statement is cancelled by attention, on
// the same line. After a statement that was not understood nothing is traced any more.
//
// The client is Microsoft's go-mssqldb, without its pool and its retries. Its line is
// held here (line.go): it connects once, to the declared address, never where the
// server's routing sends it, nor to the browser service; it reads at most 64 KiB ahead
// of what was asked for, and at most 64 MiB for a row. Values that say they are large
// reserve address space, up to 2 GiB, before their bytes are there. A target that floods
// an answer which is not asked for any more may leave one goroutine behind.
//
// # Origins
//
// The protocol names the tables of columns for FOR BROWSE alone. So masks go by what
// sqltext reads of a plain SELECT, INSERT, UPDATE or DELETE: tables by name, joined, with
// conditions. A masked column shows, masked, where it stands by itself in the list of a
// SELECT; where it is computed with, compared, sorted or grouped by, its rule must
// permit that. Subqueries, WITH, set operations, APPLY, PIVOT, FOR JSON and XML, views
// and synonyms are not followed: over tables with masked columns they are refused. What
// is not followed counts as about every table whose name stands in its text. Rows
// may come in the order of any index of their tables unless ORDER BY has a unique one's
// columns, and a change may fail by a unique key, a foreign key or a CHECK: a masked
// column in one of these decides, too (order.go). A computed column is taken to be computed from every column of its table. How many
// columns an answer has and what they are called is compared with what was read. Errors
// and messages of statements that touch masked columns are withheld, with the numbers
// that may tell what a value was.
//
// # Limits
//
// What the server itself copies (the history of temporal tables, change data capture,
// ledgers) has names of its own and needs masks of its own. The catalog is what the login
// may see: a trigger or computed column that it may not see is not known. How many rows
// changed counts what triggers report, too. Of a statement's answers the first is shown.
// Logins are the server's own: none of Windows domains or Entra ID.
package mssql

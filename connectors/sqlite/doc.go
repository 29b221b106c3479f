// Package sqlite answers: how do I speak to an SQLite file?
//
// It uses the engine github.com/ncruces/go-sqlite3 in process. Endpoint.Database
// is the file; there is no secret and no user.
//
// # Three connections
//
// A Conn holds three connections to the file. The judge only prepares, under an
// authorizer that denies by default; it is opened read-only. The reader runs what
// was permitted on read-only terms: it is opened read-only, too, and has
// query_only set. The writer runs the rest. On the reader and the writer an
// authorizer stays installed while a statement is prepared and stepped, and
// denies every action that the judge did not see: if the schema changes in
// between, the statement fails.
//
// # Judgement
//
// Facts come from the judge's log of actions. Class unknown are: more than one
// statement, a text without a statement, an empty log (VACUUM, VACUUM INTO),
// PRAGMA, ATTACH, DETACH, temporary and virtual tables, a function that is not
// listed in functions.go, a table that is neither in the schema nor one of
// json_each, json_tree and generate_series, and what does not compile. A
// statement of class unknown is never run, even where a policy allows it.
//
// The authorizer does not tell whether a DELETE or UPDATE has a WHERE, nor that a
// statement is only explained. That is read from the tokens of the text (lex.go,
// shape.go, narrow.go): destructive is what has no condition, or one that is not
// surely narrower than all rows. What only excludes ("id <> 0") and bounds that
// keys seldom cross ("id > 0") are not. When in doubt it is destructive.
//
// Each operation is one statement in a transaction of its own. BEGIN, COMMIT,
// ROLLBACK, SAVEPOINT and RELEASE are judged as reads and then refused with
// ErrUnsupported, since a transaction left open would hold a lock on the file.
//
// # Origins
//
// A column's origin is what SQLite says it is, but only if the log has at most
// one SELECT. SQLite reports the origin of the first part of a compound alone,
// and the log does not say which SELECT a column comes from. So columns of
// views, of subqueries, of CTEs and of compounds have no origin, and are
// withheld where the statement touches a masked table. A virtual table, the
// tables that back it, and sqlite_stat* (which hold samples of values) are no
// plain tables.
//
// A statement that changes something and reads columns carries them in
// Operation.Reads; where a plan masks one of them, it is refused. CREATE TABLE
// AS, INSERT ... SELECT, an UPDATE that assigns from columns, CREATE TRIGGER and
// ALTER TABLE ... RENAME set Facts.Copies.
//
// # Limits
//
// Foreign keys are enforced (the engine's default). A generated column is not
// known to be derived from a masked one; mask it, too.
package sqlite

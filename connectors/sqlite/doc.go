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
// # Lineage
//
// The authorizer tells which columns a statement reads, not what becomes of them,
// and it is not asked at all about the columns that NATURAL and USING join by. So
// a statement is also parsed (package syntax) and every name in it resolved as the
// engine does (package lineage), through views, common table expressions and the
// triggers that it fires. The result is held against the engine's: as many columns,
// each with the origin that the engine reports, and no column read that the lineage
// does not know. What disagrees or is not parsed is not understood, and is refused
// where it may reach masked data. A table that only the lineage knows of is added
// to the facts; where there is no lineage, a NATURAL or USING join is of class
// unknown.
//
// A masked column must not decide which rows there are (mask.Predicates says what
// a mask lets it decide), and its values go only where the same mask is. Whether a
// change succeeds tells of values, too: of those that must be unique, that a CHECK
// holds against others, that a FOREIGN KEY looks for. See lineage/constraint.go.
//
// # Values that are not read
//
// Where all that shows of a masked column is masked whole ("upper(email)"), the
// engine is told to read NULL in its place (SQLITE_IGNORE), so that neither an
// error nor the time taken can depend on its values. Where it is needed, because
// the bare column is in the answer, too, what may fail on it is refused.
//
// # Order
//
// The engine goes through an index instead of the table where that is smaller, and
// rows come in its order: "SELECT id FROM customers" in that of the e-mail
// addresses. The plan is looked at before a statement runs, and one that uses an
// index with a masked column is planned anew, with NOT INDEXED written after the
// table and views written out; the guard is told the text. That costs what the
// index would have saved. A table whose rows lie in the order of a masked key
// (INTEGER PRIMARY KEY, or the key of a table WITHOUT ROWID) is read by that key
// alone, where predicates allow it, and else refused.
//
// # Origins
//
// A column without lineage has the origin that SQLite reports, if the log has at
// most one SELECT, and else none. A virtual table, the tables that back it, and
// sqlite_stat* (which hold samples of values) are no plain tables, and what reads
// them is not understood.
//
// CREATE TRIGGER and ALTER TABLE ... RENAME over a masked table are refused
// (Facts.Copies), as is what is not understood and may copy.
//
// # Limits
//
// Foreign keys are enforced (the engine's default). A column that refers to a masked
// one by a foreign key has the same values, and a mask only if a rule says so.
//
// The size of a masked value that is in the answer can be felt at the engine's
// limits (16 MiB a record), by putting much beside it. A trigger's own statements
// are planned by the engine as they stand, with any index.
package sqlite

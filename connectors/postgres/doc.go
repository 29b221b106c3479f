// Package postgres answers: how do I speak to PostgreSQL?
//
// # Facts
//
// The facts of a statement come from PostgreSQL's own grammar (libpg_query).
// One hostile text can overflow that parser's C stack, so it never runs in this
// process: the binary executes itself again as a parser worker, which runs
// ParserWorker and nothing else. Parser and judgement both happen there; what
// comes back is a small record, or the tree in its protobuf encoding. With cgo the parser is linked in
// (parse_cgo.go), without it is WebAssembly (parse_nocgo.go: a name that ends in
// _wasm.go would mean another processor).
//
// Frames between the processes, numbers big-endian:
//
//	request   length uint32, text; the highest bit of the length asks for the tree
//	reply     status byte, length uint32, then JSON: a judgement (status 0) or a
//	          syntax error (status 1); or the tree (status 2)
//
// Any other end of a request ends that worker, and the statement is Unknown. A
// warmed spare stands by, so that other statements do not wait.
//
// A judgement is refined against the connection's catalog: kinds of relations,
// volatility of functions that are not on the list of harmless ones, functions
// and operators that shadow those of pg_catalog. What stays unresolved stays
// severe. Without a catalog (Driver.Classify) a function that is on no list makes
// a statement Unknown. The rules: kinds.go what each statement is, utility.go and
// settings.go where that depends, functions.go what functions do, bodies.go what
// is within DO, CREATE FUNCTION and SQL given as text, conditions.go and
// tautologies.go whether a WHERE bounds, columns.go what is read and set,
// prepared.go what EXECUTE runs.
//
// Bounds: 1 MB of text, 2,000 names of a kind, 5,000 conditions, three texts
// within texts; a worker has 4 GB of address space, no core file and 20 seconds.
// Beyond them a statement is Unknown, or its condition does not bound.
//
// # Belt and braces
//
// The read-only transaction is a second line only. Measured on 15.18, it does not
// stop EXPLAIN ANALYZE CREATE TABLE AS, large objects (until 16), NOTIFY,
// advisory locks, ANALYZE, REINDEX and CLUSTER, nor anything that pg_read_file,
// COPY ... PROGRAM or dblink do. So a login without such rights is asked for:
// Warnings says what it has too much.
//
// An estimate of rows runs plain EXPLAIN, and only where every function is on the
// list and no view is named, since planning evaluates functions.
//
// # Lineage
//
// What the judgement says of tables, lineage says of columns: package lineage
// traces each value over the parser's tree and the catalog, which is read as of
// one moment. Masks go by it, and so does the refusal of what would let masked
// values be guessed or carried away. Once the target has parsed the statement and
// its locks are held, the relations, views and functions that it was traced by
// are compared with the catalog's, and the origins that the target itself reports
// with the lineage: where they differ, the statement does not run.
//
// # Running
//
// A statement is sent as typed by the extended protocol, so the server itself
// refuses a second one in the same text, in a transaction of its own that is
// read-only where it was judged a read. Between BEGIN and COMMIT it is a step of
// the requester's transaction, read-only all the same, and one that fails leaves
// that to be rolled back. Between Parse and Execute, when the locks are held, the
// relations it names are compared with those it was judged by. Its rows are read
// as they are asked for; COPY TO STDOUT is held until it has ended, and runs only
// where nothing in it is masked.
//
// SAVEPOINT, RELEASE and ROLLBACK TO are run within the requester's transaction. A
// statement_timeout or lock_timeout of the requester's is kept beside the gate's
// (wishes.go); SET search_path is run where it changes nothing. What a session
// LISTENs to is told among the notices (notifications.go), without payloads where
// columns are masked. A statement waits while the gate itself uses the connection
// (turn.go).
//
// Statements that were prepared, and cursors, are known by what they were when the
// session made them.
//
// What is opaque, where masks are at stake, runs on a second session of another,
// restricted login (restrict.go): read-only, opened when it is first needed, and
// only while package grants finds that its role reaches no masked column. Its
// answer passes the content detectors and nothing is withheld: the server itself
// has refused what must not be read.
//
// The gate owns the session: search_path, standard_conforming_strings and encoding
// are set at connect and their change is not run. Nothing ambient is
// used to connect: no PG* variable, no password or service file.
package postgres

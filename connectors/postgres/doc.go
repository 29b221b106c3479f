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
// severe. See facts.go, conditions.go and functions.go for the rules.
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
// Statements that were prepared, and cursors, are known by what they were when the
// session made them.
//
// The gate owns the session: search_path, standard_conforming_strings, encoding
// and limits are set at connect and their change is not run. Nothing ambient is
// used to connect: no PG* variable, no password or service file.
package postgres

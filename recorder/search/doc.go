// Package search answers: where was it said?
//
// An Index is a side file over the statements, commands, input, output and
// answers of transcripts: SQLite with FTS5's trigrams, so any run of three
// characters is found. It can be taken away at any time and is built again.
//
// # It cannot lie
//
// Beside each transcript's text stands the number and the hash of the last event
// that was indexed, in the same SQLite transaction. An update goes on from there
// only if the chain, followed from that hash, leads to the transcript's head;
// otherwise that transcript is indexed anew. A file that SQLite or the key
// refuses is thrown away and built anew.
//
// # Files
//
//	search.db   SQLite in Adiantum (ncruces/go-sqlite3's VFS): without the key no
//	            page tells anything, but not which pages changed
//	search.key  the key, wrapped for those who may read transcripts
//
// Adiantum does not authenticate: what a hit shows is from the index, what it
// leads to is the record.
package search

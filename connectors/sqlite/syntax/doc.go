// Package syntax answers: how is an SQLite statement built?
//
// Lex splits a text into tokens, and Parse makes a tree of one statement. The
// grammar is that of parse.y as far as values can go through it: SELECT, INSERT,
// UPDATE, DELETE with all they may hold, CREATE TABLE, VIEW, INDEX and TRIGGER,
// and ALTER TABLE. Everything else is a verb.
//
// Parse reads texts that the engine has compiled: it need not find faults in
// what is wrong, but it must not read what is right in another way than the
// engine does. What it is not sure of is an error.
package syntax

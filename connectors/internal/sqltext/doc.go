// Package sqltext answers: what can be said with certainty of a statement in an SQL
// dialect for which there is no parser?
//
// It is a lexer, and a reader of one simple shape of SELECT. It is right by refusing:
// where two versions of a server, or a server and this package, may read a text in
// different ways, there is an error and no guess. Nothing here knows a policy, a mask or
// a catalog; the kinds that use it do.
//
// # The lexer
//
// [Lex] cuts a text into tokens as a [Dialect] says, without comments. It refuses what
// is not valid UTF-8, control characters, anything but ASCII outside of quotes, quotes
// and comments that do not end, brackets that do not match or nest deeply, words glued
// to numbers or strings, and comments whose end is a matter of the server's version.
// [Single] refuses more than one statement.
//
// # What is mentioned
//
// [Scan] tells of any token list, whatever its grammar, a superset of what it can
// name: every call (a name before a bracket), every chain of names, every word, and
// the tables that stand where a FROM or JOIN has them. Where a FROM list is more than
// names, Scan says that it was not read.
//
// # The simple shape
//
// [ReadSelect] reads
//
//	SELECT [DISTINCT] item, … [FROM table [AS a] [JOIN table ON …]…]
//	[WHERE …] [GROUP BY …] [HAVING …] [ORDER BY …] [LIMIT …]
//
// and nothing else: no subquery, WITH, set operation, table function, ARRAY JOIN,
// lambda, window, matcher, nor a name given to a part of an expression. Of each item it
// tells whether it is a plain column, a star, or an expression, and of each expression
// every column that it may refer to. [Select.Resolve] looks those up in a catalog that
// the caller has. Expressions are not parsed: that operands and operators alternate is
// checked, so that no word can stand where it would begin something else.
package sqltext

// Package clickhouse answers: how do I speak to ClickHouse, and what would a statement
// do there?
//
// # What it is tried with
//
// Version 18.16.1 of 2018, which is the one that Debian 12 has. No newer server could be
// had where this was written. What newer ones can do is judged all the same, from their
// documentation: syntax that 18.16 does not have is refused where columns are masked, and
// functions, table functions, engines and system tables that no list names are unknown.
// A test holds that the gate itself refuses each attack in newer syntax, without a server.
//
// # The line
//
// The HTTP interface, by net/http. The native protocol was weighed: ch-go 0.75 greets
// 18.16 (revision 54412), and its first query fails, since it writes settings as only
// servers from 20.1 on read them; it also reads blocks by columns, as many values at
// once as the server likes. Over HTTP a statement is one request that stands alone: no
// session that would keep a setting, a temporary table or a USE, and none can be made. The
// login and its password go with every request, so a copy of the secret is kept until
// Close, and without TLS they cross the network in clear.
//
// Answers are in the format JSONCompact, read a row at a time. Unlike lines of text it says
// where an answer ends: a server that fails in the middle writes its error into what it
// was writing, and such an answer is an error, never a shorter one. 64-bit numbers and
// decimals are kept as the server writes them; of bytes that are no UTF-8 the server itself
// makes U+FFFD. A value may have 16 MiB. There is no progress: it would come in head lines
// before the answer's, all of which net/http waits for.
//
// # Judgement
//
// There is no parser of this dialect in Go. A statement is cut into tokens by package
// sqltext, which refuses what two versions read in different ways; then its first words
// say what it is, and every name before a bracket, in FROM, after JOIN and after IN is
// looked up in functions.txt. What is on no list is unknown, hence denied. One text is
// one statement.
//
// # Running
//
// What was judged a read runs with readonly = 1, under which the server itself refuses
// to write, to change a setting and to call a table function; a read from numbers() or
// the like, which 1 refuses too, runs with 2. SETTINGS, FORMAT, SET and USE are not run. A
// profile of the login that fixes settings (readonly = 1) leaves the limits to the gate's
// own clock. What ends early is killed by its query_id, which the gate gives: also one
// that was just sent and that the server does not know yet, and one whose line was lost.
// Nothing is sent twice.
//
// # Masks
//
// A masked column may be a plain item of a SELECT of the simple shape that sqltext reads,
// over tables that hold what their own columns say (engines of functions.txt), by any
// name. ClickHouse sees the names of items everywhere in a statement, so each name means
// every column and every item that is called so. In any expression, condition, order or
// grouping it is a column that decides, which only a mask's predicates permit. All else
// is not understood, and does not run where it may reach masked data: subqueries, WITH,
// UNION, ARRAY JOIN, lambdas, views, dictionaries, tables of other engines. What the
// server says of the answer's columns is compared with what was read, and the tables are
// looked at once more before the statement runs.
//
// Rows come in the order of the sorting key: a masked column of it decides, unless the
// statement has an order of its own or is figures alone. An error over masked tables is
// templated, and of its number only those show that come of the text.
//
// # Limits
//
// A SELECT from a queue (Kafka and its kin) takes rows from it and is a write; of a view
// over one that is not known. Rows that are alike in the order that a statement asks for
// come as they are stored. A materialized view with TO copies what is inserted into a
// table that needs masks of its own; so do INSERT … SELECT from before the mask, Set and
// Join tables, and dictionaries. No server here says how many rows an INSERT wrote. There
// is no EXPLAIN ESTIMATE in 18.16, so nothing is estimated.
package clickhouse

// Package tdstest answers: what would a target of kind mssql say, where no SQL
// Server can be had?
//
// It is a server for tests that speaks TDS 7.4, written from MS-TDS: pre-login, TLS
// within TDS packets, LOGIN7, batches, sp_executesql, transaction manager requests,
// attention, and the answer's tokens. What it runs is SQLite, over statements simple
// enough to be read as both. It is no SQL Server: it has none of its grammar, types,
// errors or locks but what a test needs, and nothing that is shown against it is
// shown against the real one. testdata/ of package mssql holds what was
// recorded of real servers and clients: it reads what those clients sent, and says of
// encryption, and writes rows, as those servers did.
package tdstest

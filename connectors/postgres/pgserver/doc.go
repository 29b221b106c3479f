// Package pgserver answers: where does a real PostgreSQL for tests and for the
// demo come from?
//
// It finds the server's own programs, initialises a cluster and runs it on a
// Unix socket alone, as an ordinary user, for as long as this process lives. It
// imports nothing of Sallyport.
package pgserver

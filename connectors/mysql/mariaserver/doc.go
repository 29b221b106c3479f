// Package mariaserver answers: where does a real MariaDB for tests and for the
// demo come from?
//
// It finds the server's own programs, makes a data folder and runs the server on a
// Unix socket alone, unless a test wants a port, as an ordinary user, for as long
// as this process lives. It imports nothing of Sallyport.
package mariaserver

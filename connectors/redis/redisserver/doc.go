// Package redisserver answers: where does a real Redis for tests come from?
//
// It finds the server's own program and runs it on a Unix socket, and where a test
// wants a port on loopback, too, as an ordinary user, for as long as this process
// lives. Nothing is kept. It imports nothing of Sallyport's that speaks to servers, so
// that what it sees is seen beside the gate.
package redisserver

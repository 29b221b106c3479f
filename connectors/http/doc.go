// Package http answers: what does an HTTP request ask for?
//
// It judges requests and has no driver yet. A request is first made plain: one
// path, one host, one length. Where two programs on its way could read it
// differently (dot segments, encoded slashes, a target on another host, two
// lengths, headers that replace the method or the path), it is dangerous,
// whatever it seems to ask. Then its method, path and body tell the class. What a
// POST does only the service knows: it is a write, unless the form of the request
// (GraphQL, JSON-RPC, SOAP, a search) says that it reads.
package http

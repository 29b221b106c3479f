// Package http answers: what does an HTTP request ask for, and how is it sent?
//
// A request is text: "METHOD target", header fields, an empty line, a body. To be
// judged it is first made plain: one path, one host, one length. Where two programs
// on its way could read it differently (dot segments, encoded slashes, a target on
// another host, two lengths, headers that replace the method or the path), it is
// dangerous, whatever it seems to ask. Then its method, path and body tell the
// class. What a POST does only the service knows: it is a write, unless the form of
// the request (GraphQL, JSON-RPC, SOAP, a search) says that it reads, below a path
// of that form: the body is its sender's to write.
//
// What is sent is the text that was judged, and besides it only what the gate adds:
// the credential, a host, a length. What people could add to those (see ours) is not
// sent. The credential is stripped from answers before anything else is done with
// them, see forms. An answer is then handed to connectors.Permit.Reply.
//
// Requests that change something go out on connections of their own, since Go's
// transport sends a request again when a connection that it reused was closed.
package http

package connectors

import (
	"context"
	"io"

	"github.com/sallyport/sallyport/mask"
)

// Requester sends requests of kinds whose operations go over HTTP.
type Requester interface {
	// Request finds the facts of a request, asks the guard, sends it, and hands the
	// answer to w, masked and recorded, as it comes. text is the request as it is
	// judged, approved and recorded: "METHOD target", header fields, an empty line,
	// the body. What the gate injects (credentials) is not in it. Its errors are
	// those of Querier.Query, and *Elsewhere. Cancelling ctx ends the request at the
	// target.
	Request(ctx context.Context, g Guard, text string, w ResponseWriter) error
}

// Elsewhere is the error of a request whose answer leads to another request to the
// same target. Nothing of it was handed on: who asked may ask Text, as an operation
// of its own.
type Elsewhere struct{ Text string }

func (*Elsewhere) Error() string { return "it is elsewhere" }

// ResponseWriter takes the answer to a request: Head once, then the body.
type ResponseWriter interface {
	// Head is called before the first Write, with masked fields in the order in which
	// they came as far as the protocol keeps one.
	Head(status int, fields []Field) error
	io.Writer
}

// Field is one header field of a request or an answer. Masked is set where not all
// of the value shows.
type Field struct {
	Name, Value string
	Masked      bool
}

// Mark is where in a body something was masked.
type Mark = mask.Mark

// Marker is a ResponseWriter that wants to know where in the body something was
// masked. Masked is called before that part is written.
type Marker interface {
	Masked(m Mark)
}

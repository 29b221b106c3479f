package connectors

import (
	"io"

	"github.com/sallyport/sallyport/mask"
)

// Lent is what requesters offer to a shell or command of theirs: the target may open
// ways back to it. Terms say whether it may.
type Lent struct {
	// Agent opens a way to the requester's SSH agent; nil where they offer none.
	Agent func() (io.ReadWriteCloser, error)
	// Display is the requester's X11 display; nil where they offer none.
	Display *Display
	// Say tells the requester what came of it, beside the streams.
	Say func(text string)
}

// Display is an X11 display as its owner offers it.
type Display struct {
	// Cookie is what the display wants to see (MIT-MAGIC-COOKIE-1). It never reaches a
	// target, which gets one of its own.
	Cookie mask.Secret
	Screen uint32
	// Single offers one connection.
	Single bool
	// Open opens a way to it, for a program at the target that came from this address.
	Open func(address string, port uint32) (io.ReadWriteCloser, error)
}

// Borrows is what an operation asks to use of the requester's, if its rule lets it.
type Borrows struct{ Agent, Display bool }

// Tell is Say, where anybody wants to hear it.
func (l *Lent) Tell(text string) {
	if l != nil && l.Say != nil {
		l.Say(text)
	}
}

// Borrows is what is offered; of nil, nothing.
func (l *Lent) Borrows() Borrows {
	if l == nil {
		return Borrows{}
	}
	return Borrows{l.Agent != nil, l.Display != nil}
}

package connectortest

import (
	"fmt"
	"slices"
)

// Property is a promise that every kind of target keeps, or names as one that it
// cannot give (Target.Cannot). Its text begins the names of the subtests that prove
// it.
type Property string

// The properties, in the order of the suite's table.
const (
	// GateFirst: the guard is asked before the target does anything.
	GateFirst Property = "gate sees first"
	// Denied: not a byte of a denied operation is written, and the connection lives on.
	Denied Property = "denied never arrives"
	// Refused: the guard's refusal comes back as it is, so that each face can say it in
	// its protocol's own form (words and an exit status, SFTP's "permission denied");
	// what a target refuses comes back with the target's own code.
	Refused Property = "refusal in its own form"
	// MasksHold: no boundary of rows, batches, chunks or writes uncovers anything.
	MasksHold Property = "masks hold"
	// RecordedShown: what is on record is what was shown.
	RecordedShown Property = "recorded equals shown"
	// CancelFrees: cancelling ends the operation at the target, also where the target
	// does not answer any more.
	CancelFrees Property = "cancel frees the target"
	// NothingLeaks: no goroutine, connection or session at the target stays.
	NothingLeaks Property = "nothing leaks"
	// NoSecret: the secret that signs in is in no error, chunk, outcome or note.
	NoSecret Property = "canary secret nowhere"
	// BoundedMemory: a large answer streams.
	BoundedMemory Property = "bounded memory"
	// WrongPassword, Unreachable, Vanished, SlowSignIn, SlowOperation, Oversized and
	// Malformed: what goes wrong is told by an error of its own. Slow is no answer in
	// time, vanished a connection that ends in the middle, oversized a message longer
	// than any may be, malformed one that is none.
	WrongPassword Property = "wrong password"
	Unreachable   Property = "unreachable"
	Vanished      Property = "vanished"
	SlowSignIn    Property = "slow sign-in"
	SlowOperation Property = "slow operation"
	Oversized     Property = "oversized"
	Malformed     Property = "malformed"
)

// Properties are all of them, in the order of the suite's table.
func Properties() []Property {
	return []Property{GateFirst, Denied, Refused, MasksHold, RecordedShown, CancelFrees, NothingLeaks, NoSecret, BoundedMemory,
		WrongPassword, Unreachable, Vanished, SlowSignIn, SlowOperation, Oversized, Malformed}
}

// Of is the property for one power alone, as a key of Target.Cannot.
func (p Property) Of(w Power) Property { return Property(w) + ": " + p }

// Power is what a connection offers. As a key of Target.Cannot, Property(power) is
// one that the driver has and this target has not.
type Power string

// The powers, named as the suite's subtests are. ToSignIn is what all have.
const (
	ToSignIn  Power = "open"
	ToQuery   Power = "query"
	ToExec    Power = "exec"
	ToAttach  Power = "attach"
	ToRequest Power = "request"
	ToFiles   Power = "files"
	ToForward Power = "forward"
)

// Powers are all of them.
func Powers() []Power {
	return []Power{ToSignIn, ToQuery, ToExec, ToAttach, ToRequest, ToFiles, ToForward}
}

var (
	ofSignIn = []Property{NothingLeaks, NoSecret, WrongPassword, Unreachable, Vanished, SlowSignIn, Oversized, Malformed}
	ofStream = []Property{GateFirst, Denied, Refused, MasksHold, RecordedShown, CancelFrees, NothingLeaks, BoundedMemory, Vanished, SlowOperation, Malformed}
	// Answers come in messages, of which one may be too large. Streams are bytes in
	// packets of the connection's, whose bound is proved at sign-in.
	ofAnswer = append(slices.Clone(ofStream), Oversized)
)

// Demanded are the properties that a power must be proved to have.
func (w Power) Demanded() []Property {
	switch w {
	case ToSignIn:
		return ofSignIn
	case ToQuery, ToRequest:
		return ofAnswer
	}
	return ofStream
}

// needs is what to declare so that the suite can prove a property.
func (w Power) needs(p Property) string {
	switch {
	case p == WrongPassword:
		return "a Target.Fault with another Secret whose Want is ErrCredential"
	case p == NoSecret:
		return "a Target.Secret that signs in"
	case w == ToSignIn && p == Unreachable:
		return "an Endpoint.Address, or a Target.Fault whose Want is ErrUnreachable"
	case w == ToSignIn && p == Malformed:
		return "an Endpoint.Address whose driver dials by Endpoint.Dial, or a Target.Fault whose Want is ErrProtocol"
	case w == ToQuery && p == Oversized:
		return "SQL.Oversized, a statement that answers one value larger than the driver takes"
	case w == ToRequest && p == Oversized:
		return "a WebFault that Proves it"
	case w == ToRequest && p == CancelFrees, w == ToRequest && p == NothingLeaks:
		return "Web.Slow"
	case w == ToRequest && p == MasksHold:
		return "Web.Masked"
	case w == ToAttach && p == BoundedMemory:
		return "Host.Flood"
	}
	return "an Endpoint.Address whose driver dials by Endpoint.Dial"
}

// key is one cell of the suite: a property of a power.
type key struct {
	power    Power
	property Property
}

func (k key) String() string { return fmt.Sprintf("%s: %s", k.power, k.property) }

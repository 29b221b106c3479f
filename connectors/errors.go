package connectors

import (
	"errors"
	"fmt"
)

// Sentinels that drivers' errors wrap, so that the gate can tell people what to do.
var (
	// ErrUnreachable: no connection to the target could be made.
	ErrUnreachable = errors.New("target is unreachable")
	// ErrCredential: the target refused the credential.
	ErrCredential = errors.New("target refused the credential")
	// ErrHostKey: the target is not who it should be. Nothing was sent to it.
	ErrHostKey = errors.New("target's identity does not match")
	// ErrVanished: the connection was lost in the middle.
	ErrVanished = errors.New("target closed the connection")
	// ErrProtocol: the target said something its protocol does not allow.
	ErrProtocol = errors.New("target broke its protocol")
	// ErrUnsupported: the statement's form cannot be run through the gate.
	ErrUnsupported = errors.New("not supported through the gate")
	// ErrMasking: masking failed, so that the rest of what the target said is
	// withheld.
	ErrMasking = errors.New("masking failed, so the rest is withheld")
	// ErrMaskingLate is the ErrMasking of a step that takes longer than any should.
	ErrMaskingLate = fmt.Errorf("%w: it takes too long", ErrMasking)
	// ErrCanceled: the requester cancelled, and the target was told.
	ErrCanceled = errors.New("cancelled")
)

// TargetError is what a target said about an operation that it refused or
// failed. Text is safe to show: masked, and templated where the operation
// touched a masked table.
type TargetError struct {
	// Code is the target's own: a SQLSTATE, SQLite's result code name.
	Code string
	Text string
	// Position is the 1-based character of the statement it points at, 0 for none.
	Position int
	// Late is set where Terms.Timeout ended the operation.
	Late bool
}

// Error is the text with its code.
func (e *TargetError) Error() string {
	if e.Code == "" {
		return e.Text
	}
	return e.Text + " (" + e.Code + ")"
}

// Package connectortest answers: does this kind of target keep its promises?
//
// Run is the suite that every kind passes: the test file of a kind starts a
// real target, describes it as a Target, and calls Run. Which parts run is
// found by asserting the powers of the connection; a power without its part of
// the Target fails. Guard is a gate that remembers everything it was asked; the
// tests of other packages may use it too.
//
// The suite observes a target beside the gate (Target.Sessions, SQL.Observe)
// and counts the bytes that a driver writes through Endpoint.Dial: between the
// question to the guard and its refusal not one may be written.
package connectortest

// Package connectortest answers: does this kind of target keep its promises?
//
// Run is the suite that every kind passes: the test file of a kind starts a
// real target, describes it as a Target, and calls Run. Which parts run is
// found by asserting the powers of the connection; a power without its part of
// the Target fails. What is proved are the Properties, for each power: one that is
// neither proved nor named with a reason in Target.Cannot fails, and so does one that
// is named although it is there. `make suite` prints the table of all kinds. Guard is a gate that remembers everything it was asked; the
// tests of other packages may use it too.
//
// The suite observes a target beside the gate (Target.Sessions, SQL.Observe)
// and counts the bytes that a driver writes through Endpoint.Dial: between the
// question to the guard and its refusal not one may be written. By the same way it
// puts peers in the target's place that say nothing, hang up, send noise or a message
// without end, and lines in between that end, stall or break in the middle of an
// answer: a kind that dials is proved against these without a word of its own.
//
// A new kind fills in SQL, Host, Web, Files or Forward, runs its suite, and is told
// what is missing. SALLYPORT_BIG=1 makes the large answers 1 GiB.
package connectortest

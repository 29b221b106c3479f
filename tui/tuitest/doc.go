// Package tuitest answers: what does the face do, key by key?
//
// Driver runs a tui.App without a terminal and without sleeping: inside a
// testing/synctest bubble every command runs in a goroutine of its own, the
// driver waits until all of them are blocked, hands their messages to Update,
// and repeats until nothing moves. Time is the bubble's: it stands still until
// Advance. Frames are what App.View draws, with the styles stripped.
//
// Bastion is a fake behind the face, with stories: alice (engineering), bob
// (dba) and carol (auditors) share one, so that a request of one reaches the
// other. It judges by a few fixed sentences; it is no policy.
package tuitest

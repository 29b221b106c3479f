// Package snapshots answers: what did the screen look like at that moment?
//
// Drawing a shell of hours up to a moment takes minutes. So while it runs and
// after it ended, in the background and never where recording could wait for it,
// its screen is drawn, and its state is kept every so often. A seek begins at the
// state before the moment.
//
// A state is a shortcut and no evidence: it changes no event and no hash, verify
// knows nothing of it, and it can be taken away at any time: what is missing or
// damaged is made anew. What draws, and what a state is, is not known here either:
// see Drawing.
//
// # Files
//
// Directory snapshots beside the store, mode 0700, with a file for each transcript
// that has states, named after it, mode 0600. They are appended to: records of
//
//	4 length of what follows the number
//	8 number of the event after the last one that is drawn
//	  the state, sealed (see Box) for who may read the event before: in clear,
//	  8 latest time of what is drawn, nanoseconds since the Unix epoch, and the state
//
// in the order of their numbers. The states of a transcript take at most a
// sixteenth of the bytes that it showed, and one state more. In clear is how often
// there is one, and so how much was shown, as in the store itself.
//
// Nothing is made of a transcript whose key is not here: a sealed bastion has no
// states.
package snapshots

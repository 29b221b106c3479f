// Package mask answers: what of these bytes may be shown?
//
// A [Plan] is made of column rules and content detectors. Column rules are
// applied by whoever knows where a cell comes from ([Plan.Column], [Rule.Apply]).
// Detectors are the net behind them: they run over text whose origin says
// nothing, either whole ([Plan.Text]) or as a stream ([Plan.Writer],
// [Plan.Terminal]). What is hidden is replaced by printable ASCII, so that it
// survives any encoding, any terminal and any export:
//
//	[masked]        a masked column, or anything under a nil plan
//	****1881        a masked column, method partial
//	[hash k3...]    a masked column, method hash: equal values are shown equal
//	938-20-4471~    a masked column, method token: made up, of the same shape
//	[email]         found by the detector of that name
//	[card *1881]    found by the card detector
//	*************   found in the stream of a terminal: a star for every cell
//
// # How a stream is read
//
// Detectors do not see the bytes of a stream but the text that a terminal would
// show of it: escape sequences (ECMA-48), control characters that print nothing
// and characters without width are left out, and fullwidth forms, foreign
// digits, dashes and spaces stand for their ASCII kin. All of that passes
// through unchanged; only what it is wrapped around is replaced. The payload of
// a string sequence, such as a window title, is searched as a text of its own.
//
// The result does not depend on how the stream was cut into writes. A writer
// holds back what may still turn out to be part of a hit, never more than
// [MaxHold] bytes, and passes escape sequences and characters on whole; only a
// sequence longer than 128 bytes is passed on in pieces.
//
// A detector looks 400 characters ahead at most, and 66 back, an address's local
// part. What may be longer is not held: once a JSON web token, a private key or a
// secret that follows its name is recognised, by its header, its first line or its
// first 64 characters, it is masked as it comes until it ends. A private key ends
// with its last line, and also where a line cannot belong to one, so that a first
// line alone does not hide the rest of a session. A key's first line that Flush
// has let go is seen, its body is not.
//
// JSON is read as such by [Plan.JSON], so that an escape in it hides nothing, and
// masked by paths.
//
// Where the size of a terminal is known ([Writer.Screen]), the cursor is followed, too:
// what a program writes in one row and then in another, or elsewhere in the same row,
// is not one text, however close it is in the stream. Escape sequences that end where
// they began, right behind the last character, part nothing, nor does whatever may end
// there: sequences that are not known, lines that may have wrapped, rows that may have
// been shifted, and up to three cells that are skipped, which may hold blanks. Who says
// that a terminal has another size than it has can part text by that.
//
// What a stream does not hold in order, detectors cannot find: text put together
// on the screen from pieces that were not written one after the other, and a number
// broken over two lines.
package mask

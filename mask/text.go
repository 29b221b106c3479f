package mask

// text is a stretch of what a terminal would show, one byte for each character,
// normalised: see visible. Detectors work on it alone.
//
// What precedes start was decided and has left; it is there for context. left
// context ends at masked, the end of what was masked so far: what a detector may
// consult is then the same when masked text is masked again.
type text struct {
	v      []byte
	off    []int32 // of each byte from start on: where it is in the data << 1 | 1 after an escape; nil where both run in step
	start  int
	edge0  bool // an escape stands right before start
	final  bool // the text ends here
	masked int
	run    run // what is being masked at start; after scan, at the cut
	runAt  int // where the run that a detector has just begun is to be followed from
	ran    int // where a run ended, or -1
	*search
}

// Bytes of a text that are no ASCII.
const (
	breaker = 0x00 // nothing runs across this
	letter  = 0x80 // a letter that is not ASCII
	other   = 0x81 // any other character that is not ASCII
)

// Classes of the bytes of a text.
const (
	digitClass   = 1 << iota
	alphaClass   // ASCII letters
	hexClass     // letters that are hexadecimal digits
	localClass   // part of an e-mail address before the @
	hostClass    // part of a label of a host name
	sepClass     // may stand between the groups of a number
	wordEndClass // ends what may stand before a host in a URL
	base64Class  // base64, plain or for URLs, without padding
	valueEnd     // ends a value that is not quoted
	groupClass   // may stand between the groups of any number
	leadClass    // may stand right before the digits of a number that begins further left
)

const decimals, groupSigns = "0123456789", " -._/()"

var classes = func() (t [256]uint16) {
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", decimals
	mark(&t, digits, digitClass)
	mark(&t, lower+upper, alphaClass)
	mark(&t, "abcdefABCDEF", hexClass)
	mark(&t, lower+upper+digits+"\x80._%+-'", localClass)
	mark(&t, lower+upper+digits+"\x80-_", hostClass)
	mark(&t, " -._", sepClass)
	mark(&t, "\x00\t\n\v\f\r\b \"'`/@<>()[]{}?#=&,;|\\", wordEndClass)
	mark(&t, lower+upper+digits+"+/-_", base64Class)
	mark(&t, "\x00\t\n\v\f\r\b \"'`<>()[]{}&,;|\\", valueEnd)
	mark(&t, groupSigns, groupClass)
	mark(&t, lower+upper+"%", leadClass)
	return t
}()

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isAlnum(c byte) bool  { return classes[c]&(digitClass|alphaClass) != 0 }
func isLetter(c byte) bool { return c == letter || classes[c]&alphaClass != 0 }

// edge reports whether an escape stands between position i and the one before:
// text may begin or end there, or run on.
func (t *text) edge(i int) bool {
	if i == t.start && t.edge0 {
		return true
	}
	return t.off != nil && i >= t.start && i < len(t.v) && t.off[i-t.start]&1 != 0
}

// limit is how far left of position i one may look.
func (t *text) limit(i int) int {
	if t.masked > i {
		return 0
	}
	return max(t.masked, 0)
}

// open is the verdict at the end of the text.
func (t *text) open() verdict {
	if t.final {
		return no
	}
	return more
}

// has reports whether s stands at i; more if the text ends within it.
func (t *text) has(i int, s string) verdict {
	for k := range len(s) {
		if i+k >= len(t.v) {
			return t.open()
		}
		if t.v[i+k] != s[k] {
			return no
		}
	}
	return yes
}

// before reports whether s stands right before i.
func (t *text) before(i int, s string) bool {
	return i-len(s) >= 0 && string(t.v[i-len(s):i]) == s
}

// free reports whether a word can begin at i.
func (t *text) free(i int) bool {
	free, _ := t.beginsWord(i)
	return free
}

// ends says whether a word can end at e.
func (t *text) ends(e int) verdict {
	if e < len(t.v) && isAlnum(t.v[e]) && !t.edge(e) {
		return no
	}
	switch t.meets(e) {
	case more:
		return more
	case yes:
		return no
	}
	return yes
}

package mask

// search is what a text is searched for. It is immutable.
type search struct {
	set    detectorSet
	custom []*Custom
	// Of each character, the triggers whose first or second it is, a bit for each.
	first, second [256]uint16
	asked         [256]bool  // the character of such a pair that is asked
	marks         [64]string // what stands for a hit of each detector, but for a card
}

// triggers are the pairs of neighbours at which detectors are asked. Nothing that
// they find is without one, and each is rare in what nothing is to be found in.
// Asked is the first of the pair up to atFirst, from there on the second.
var triggers = [...]struct {
	first, second string // an empty one is any character
	by            detectorSet
}{
	{decimals, decimals + groupSigns, detectCard | detectSSN | detectPhone | detectIBAN | detectIPv4 | detectGCP},
	{"+", decimals + "(", detectPhone},
	{"(", decimals, detectPhone},
	{"%", "24", detectEmail | detectPhone},
	{"\\", "ux", detectEmail | detectPhone},
	{"&", "#c", detectEmail},
	{"-", "-", detectPEM | detectSecret},
	{":", "/", detectURL | detectSlack},
	{"", "@", detectEmail},
	{"hporsubkc", "_", detectGitHub | detectStripe},
	{"Xabcdeoprs", "-", detectSlack | detectGCP},
	{" ", "-", detectSecret},
	{"KSA", "I", detectAWSKey | detectAWSSecret | detectGCP},
	{"y", "J", detectJWT},
	{"", ":", detectIPv6},
	{"dDeElLnNsStTyY \"'\\:]", ":=>", detectSecret | detectAWSSecret},
}

const atFirst = 1<<8 - 1 // the bits of those that are asked at the first

func newSearch(set detectorSet, custom []*Custom) *search {
	s := &search{set: set, custom: custom}
	for bit, tr := range triggers {
		if set&tr.by != 0 {
			mark(&s.first, tr.first, 1<<bit)
			mark(&s.second, tr.second, 1<<bit)
		}
	}
	for bit := range s.marks {
		if by := detectorSet(1) << bit; set&by != 0 {
			s.marks[bit] = "[" + nameOf(by, custom) + "]"
		}
	}
	for c := range s.asked {
		s.asked[c] = s.first[c]&atFirst|s.second[c]&^atFirst != 0
	}
	return s
}

// mark sets a bit for each of some characters, or for all.
func mark(t *[256]uint16, chars string, bit uint16) {
	for i := range len(chars) {
		t[chars[i]] |= bit
	}
	for i := range t {
		if chars == "" {
			t[i] |= bit
		}
	}
}

// next returns where a detector is to be asked from i on, or the end of the text.
// The last character is asked whatever stands before it: more may come.
func (t *text) next(i int) int {
	v, s := t.v, t.search
	if i >= len(v) {
		return len(v)
	}
	before := ^uint16(atFirst)
	if i > 0 {
		before &= s.first[v[i-1]]
	}
	for k, c := range v[i:] {
		if both := before & s.second[c]; both != 0 {
			if both&atFirst != 0 {
				return i + k - 1
			}
			return i + k
		}
		before = s.first[c]
	}
	if s.asked[v[len(v)-1]] {
		return len(v) - 1
	}
	return len(v)
}

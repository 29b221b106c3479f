package mask

// maxPhone is the most digits of an international number (ITU-T E.164) with the
// prefix 011 before it.
const (
	maxPhone  = 15 + len("011")
	maxGroups = 8
)

// phone is digits in groups as people write telephone numbers.
type phone struct {
	digits [maxPhone]byte
	n      int // digits
	at     int // where it begins
	groups int
	group  [maxGroups]phoneGroup
}

type phoneGroup struct {
	end  int32 // position after it, from the start of the text that is read, a closing parenthesis included
	size int8
	n    int8 // digits up to its end
	sep  byte // before it: a separator, '(' if it is in parentheses, or 0
}

// dialled says whether an international number begins at i, the + of which ends
// at plus, or a national one in parentheses, and where it ends.
func (t *text) dialled(i, plus int) (end int, v verdict) {
	low := t.limit(i)
	if i > low && !t.edge(i) && (isAlnum(t.v[i-1]) && !t.free(i) || t.v[i-1] == '+') {
		return 0, no
	}
	at := plus
	if t.v[i] != '(' {
		at++
	}
	if at < len(t.v) && t.v[at] == ' ' && t.v[i] != '(' {
		return 0, no
	}
	var p phone
	if v := t.readPhone(at, &p); v != yes {
		return 0, v
	}
	if t.v[i] == '(' {
		k := p.parenthesised(false)
		if k == 0 && t.phoneNamed(i) {
			k = p.parenthesised(true)
		}
		return t.bounded(&p, k)
	}
	return t.bounded(&p, p.international(0))
}

// national says whether a number in a national form, or with 00 or 011 for +,
// begins at i with a run of digits up to end.
func (t *text) national(i, end int) (e int, v verdict) {
	n := end - i
	first := t.v[i]
	switch {
	case n > 14, n == 1 && first != '1', first == '1' && n != 1 && n < 9, n == 2 && first != '0':
		return 0, no
	}
	low := t.limit(i)
	if i > low && !t.edge(i) {
		c := t.v[i-1]
		joined := (c == '-' || c == '.' || c == '/' || c == '_') && i-2 >= low && isAlnum(t.v[i-2])
		if !t.free(i) || joined || c == '+' || c == '#' || c == '$' || c == ' ' && t.inRow(i, low) {
			return 0, no
		}
	}
	formal := first == '0' && n >= 2 || n == 1 || n == 3
	named := t.phoneNamed(i)
	if !formal && !named {
		return 0, no
	}
	var p phone
	if v := t.readPhone(i, &p); v != yes {
		return 0, v
	}
	if first == '0' && n >= 2 && t.v[i+1] == '0' {
		if !named && !p.blanks() {
			return 0, no
		}
		return t.bounded(&p, p.international(2))
	}
	if p.n > 3 && string(p.digits[:3]) == "011" && p.group[0].size == 3 && p.groups > 1 {
		return t.bounded(&p, p.international(3))
	}
	if n >= 9 && p.groups == 1 && !named {
		return 0, no
	}
	k := 0
	switch {
	case first == '0' && t.v[min(i+1, len(t.v)-1)] != '0':
		k = p.trunk(named)
	case first >= '1':
		k = p.american(named)
	}
	if k == 0 && named {
		k = p.any()
	}
	return t.bounded(&p, k)
}

// blanks reports whether nothing but blanks parts the groups, as serial numbers
// with leading zeros have it seldom.
func (p *phone) blanks() bool {
	for _, g := range p.group[:p.groups] {
		if g.sep != 0 && g.sep != ' ' && g.sep != '(' {
			return false
		}
	}
	return true
}

// inRow reports whether a number that is no part of a date or time stands before
// the blank before i: a row of numbers is none of telephone numbers.
func (t *text) inRow(i, low int) bool {
	k := i - 1
	for k > low && isDigit(t.v[k-1]) {
		k--
	}
	if k == i-1 {
		return false
	}
	return k == low || t.v[k-1] == ' ' || isAlnum(t.v[k-1])
}

// readPhone reads groups of digits and what may stand between them from i on.
func (t *text) readPhone(i int, p *phone) verdict {
	p.at = i
	for p.groups < maxGroups {
		g := phoneGroup{}
		for k := 0; i < len(t.v) && k < 2; k++ {
			c := t.v[i]
			if c == '(' {
				g.sep = '('
				i++
				break
			}
			if p.groups == 0 || k > 0 && g.sep != '-' && !(t.v[i-1] == ' ' && c == '-') || c != ' ' && c != '-' && c != '.' && c != '/' {
				break
			}
			if g.sep == 0 || c != ' ' {
				g.sep = c
			}
			i++
		}
		n := p.n
		for ; i < len(t.v) && isDigit(t.v[i]); i++ {
			if n == maxPhone {
				return yes // too long for the last group to be one
			}
			p.digits[n] = t.v[i]
			n++
		}
		g.size = int8(n - p.n)
		if i == len(t.v) && !t.final {
			return more
		}
		if g.size == 0 {
			return yes
		}
		if g.sep == '(' {
			if i == len(t.v) || t.v[i] != ')' {
				return yes
			}
			i++
		} else if g.sep == 0 && p.groups > 0 && p.group[p.groups-1].sep != '(' {
			return yes
		}
		p.n = n
		g.n, g.end = int8(n), int32(i-p.at)
		p.group[p.groups] = g
		p.groups++
	}
	return yes
}

// bounded returns the end of the number made of the first k groups, if it can
// end there.
func (t *text) bounded(p *phone, k int) (int, verdict) {
	if k == 0 {
		return 0, no
	}
	e := p.at + int(p.group[k-1].end)
	for i := e; i < e+2; i++ {
		if i == len(t.v) {
			if !t.final {
				return 0, more
			}
			return e, yes
		}
		if i == e && t.edge(e) {
			return e, yes
		}
	}
	if v := t.meets(e); v != no {
		return 0, v & more
	}
	c, d := t.v[e], t.v[e+1]
	switch {
	case c == 'x' || c == 'e' && d == 'x':
		return e, yes // an extension
	case isAlnum(c), c == '_', (c == '-' || c == '.' || c == '/') && isAlnum(d), c == ':' && isDigit(d):
		return 0, no
	}
	return e, yes
}

// international returns how many groups, after skip digits, are a country code
// and a number of a length that is in use there: the most that fit.
func (p *phone) international(skip int) int {
	if p.n < skip+7 || p.digits[skip] == '0' {
		return 0
	}
	code, lengths := callingCode(p.digits[skip:p.n])
	if lengths == 0 {
		return 0
	}
	for k := p.groups; k > 0; k-- {
		n := int(p.group[k-1].n) - skip - code
		for _, g := range p.group[:k] {
			if g.sep == '(' && g.size == 1 && p.digits[g.n-1] == '0' {
				n-- // the (0) that is dialled within the country alone
			}
		}
		if n < 6 || n > 14 || lengths&(1<<n) == 0 {
			continue
		}
		if p.digits[skip] == '1' && skip+11 <= p.n && !exchange(p.digits[skip+1:skip+7]) {
			continue
		}
		return k
	}
	return 0
}

// exchange reports whether six digits are an area code of North America that is
// in use and an exchange (ITU-T E.164 country code 1).
func exchange(d []byte) bool {
	area := int(d[0]-'0')*100 + int(d[1]-'0')*10 + int(d[2]-'0')
	return area >= 200 && areaCodes()[area] && d[3] >= '2'
}

// american returns how many groups are a number of North America in its
// national form: 212-555-0144, 1 212 555 0144.
func (p *phone) american(named bool) int {
	i := 0
	if p.group[0].size == 1 && p.digits[0] == '1' && p.groups > 1 {
		i = 1
	}
	if named && p.groups == i+1 && p.group[i].size == 10 && exchange(p.digits[i:]) {
		return i + 1
	}
	if named && i == 0 && p.group[0].size == 11 && p.digits[0] == '1' && exchange(p.digits[1:]) {
		return 1
	}
	if p.groups < i+3 || p.n < 10+i || !exchange(p.digits[i:]) {
		return 0
	}
	a, b, c := p.group[i], p.group[i+1], p.group[i+2]
	if a.size != 3 || b.size != 3 || c.size != 4 {
		return 0
	}
	if a.sep == '(' {
		if c.sep != '-' && c.sep != ' ' && c.sep != '.' {
			return 0
		}
	} else if b.sep != c.sep || i == 1 && a.sep != b.sep || b.sep == '(' {
		return 0
	}
	if p.groups > i+3 && a.sep != '(' && !named && p.group[i+3].sep == ' ' && b.sep == ' ' {
		return 0 // a row of numbers
	}
	return i + 3
}

// parenthesised is american and trunk for a number that begins with its area
// code in parentheses.
func (p *phone) parenthesised(named bool) int {
	if p.groups < 2 || p.group[0].sep != '(' {
		return 0
	}
	if p.digits[0] != '0' {
		return p.american(named)
	}
	if p.group[0].size < 3 && p.group[0].size != 2 || p.group[0].size > 6 || p.digits[1] == '0' {
		return 0
	}
	for k := p.groups; k > 1; k-- {
		if n := int(p.group[k-1].n); n >= 9 && n <= 12 {
			return k
		}
	}
	return 0
}

// trunkForms are groupings of national numbers with the trunk prefix 0 that are
// told from other numbers by their looks; a ? is any digit.
var trunkForms = [...]string{
	"02? ???? ????", "01?1 ??? ????", "011? ??? ????", "03?? ??? ????", "08?? ??? ????", "0?00 ??????", "0?00 ??? ???", // United Kingdom
	"01??? ??????", "07??? ??????", "01??? ??? ???", "07??? ??? ???", "01??? ?????", "07?? ??? ????",
	"0? ?? ?? ?? ??",                                                               // France
	"02 ???? ????", "03 ???? ????", "07 ???? ????", "08 ???? ????", "04?? ??? ???", // Australia
	"06 ????????", "0?? ??? ????", "0?? ??? ?? ??", "0??? ?? ?? ??", // Netherlands, Switzerland, Belgium
	"0?? ???? ????", // Japan
}

// trunk returns how many groups are a national number that begins with 0.
func (p *phone) trunk(named bool) int {
	for k := p.groups; k > 1; k-- {
		n := int(p.group[k-1].n)
		if n < 9 || n > 12 {
			continue
		}
		sep, alike := p.group[1].sep, true
		for _, g := range p.group[2:max(k, 2)] {
			alike = alike && (g.sep == sep || sep == '/' || named)
		}
		if !alike || sep == '(' {
			continue
		}
		if k < p.groups && !named && p.group[k].sep == ' ' {
			return 0 // a row of numbers
		}
		if p.formed(k, sep) {
			return k
		}
		if first := p.group[0].size; first >= 3 && first <= 5 && (n >= 10 || sep == '/') && p.german(k) && (named || sep == '/' || sep == ' ') {
			return k
		}
	}
	return 0
}

// formed reports whether the first k groups have one of trunkForms.
func (p *phone) formed(k int, sep byte) bool {
	if sep == '/' {
		return false
	}
	for _, f := range trunkForms {
		i, g, ok := 0, 0, true
		for j := 0; ok && j < len(f); j++ {
			switch {
			case f[j] == ' ':
				ok = int(p.group[g].n) == i
				g++
				ok = ok && g < k
			case i == p.n:
				ok = false
			default:
				ok = f[j] == '?' || f[j] == p.digits[i]
				i++
			}
		}
		if !ok || g != k-1 || int(p.group[g].n) != i {
			continue
		}
		// With dashes or dots, too much else looks so.
		return sep == ' ' || k == 5 || i == 11 && f[0] == '0' && p.group[1].size == 4 && sep == '-'
	}
	return false
}

// german reports whether every group after the first is two digits or more, and
// the second is not a piece.
func (p *phone) german(k int) bool {
	for _, g := range p.group[1:k] {
		if g.size < 2 || g.size > 9 {
			return false
		}
	}
	return p.group[1].size >= 3 || p.group[k-1].n == 10 || p.group[k-1].n == 11
}

// any returns how many groups make a number after a word for one.
func (p *phone) any() int {
	if y := p.digits[0]; p.groups >= 3 && p.group[0].size == 4 && (y == '1' || y == '2') && p.group[1].size <= 2 {
		return 0 // a date
	}
	for k := p.groups; k > 0; k-- {
		n := int(p.group[k-1].n)
		if n < 9 || n > 13 || k == 1 && n > 12 {
			continue
		}
		for _, g := range p.group[1:k] {
			if g.size < 2 || g.sep == '.' && k < 3 {
				return 0
			}
		}
		return k
	}
	return 0
}

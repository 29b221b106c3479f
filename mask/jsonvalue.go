package mask

import "strings"

// place sets where the paths stand at the value that is next, and returns the
// rule that masks it.
func (j *JSON) place(at []uint64) *Rule {
	top := &j.stack[len(j.stack)-1]
	found := top.mask
	folded := ""
	if len(j.stack) > 1 && !top.array {
		folded = j.key.folded
	}
	for i := range j.paths {
		p := &j.paths[i]
		switch {
		case len(j.stack) == 1:
			at[i] = top.at[i]
		case top.array:
			at[i] = p.step(top.at[i], "", top.index)
		default:
			at[i] = p.step(top.at[i], folded, -1)
		}
		if p.masks(at[i]) && (found == nil || p.rule.Method.ShowsLess(found.Method)) {
			found = &p.rule
		}
	}
	return found
}

// rule returns what masks the scalar at hand.
func (j *JSON) rule() *Rule {
	if len(j.paths) == 0 {
		return nil
	}
	var room [8]uint64
	at := room[:]
	if len(j.paths) > len(at) {
		at = make([]uint64, len(j.paths))
	}
	return j.place(at)
}

// inString takes what it can of a string.
func (j *JSON) inString(b []byte) int {
	for i := 0; i < len(b); i++ {
		for !j.escaped && i < len(b)-1 && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
			i++
		}
		switch c := b[i]; {
		case j.escaped:
			j.escaped = false
		case c == '\\':
			j.escaped = true
		case c == '"':
			j.take(b[:i+1])
			j.endString()
			return i + 1
		case c < ' ' && c != '\t':
			j.take(b[:i])
			j.broken()
			return i
		}
	}
	j.take(b)
	return len(b)
}

// take adds to the string at hand, unless it is too long.
func (j *JSON) take(b []byte) {
	if j.skip {
		return
	}
	if j.tok = append(j.tok, b...); len(j.tok) > maxString {
		begin := len(j.out)
		j.out = append(j.out, '"')
		j.out = append(append(j.out, Redacted...), '"')
		j.hit(begin, "")
		j.tok, j.skip = j.tok[:0], true
	}
}

// endString masks the string that has come whole.
func (j *JSON) endString() {
	if j.mode == jsonName {
		j.endKey()
		return
	}
	if j.skip {
		j.skip = false
	} else {
		j.value(undone(j.tok))
	}
	j.tok = j.tok[:0]
	j.after()
}

// member is a key of objects, and what is found out about it once.
type member struct {
	folded string
	name   string // behind which a secret may stand, if it may
	shown  string
	hit    bool
}

// maxMembers bounds how many keys are remembered; documents repeat theirs.
const maxMembers = 512

// endKey masks the key that has come whole.
func (j *JSON) endKey() {
	j.mode = jsonColon
	if j.skip {
		j.skip, j.key = false, j.newMember(Redacted)
		j.tok = j.tok[:0]
		return
	}
	m := j.members[string(j.tok)]
	if m == nil {
		m = j.newMember(undone(j.tok))
		if len(j.members) < maxMembers && len(j.tok) < maxScalar {
			j.members[string(j.tok)] = m
		}
	}
	j.key = m
	j.found(m.shown, m.hit)
	j.tok = j.tok[:0]
}

func (j *JSON) newMember(key string) *member {
	m := &member{}
	if len(j.paths) > 0 {
		m.folded = fold(key)
	}
	if j.named && key != "" && len(key) < tokenReach && secretive(key) {
		m.name = key
	}
	m.shown, m.hit = j.plan.Text(key)
	return m
}

// secretive reports whether a secret may stand behind a name, of what named and
// option look for.
func secretive(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] >= del {
			return true // who knows what it looks like
		}
	}
	name = strings.TrimRight(name, " =>\\\"'`:")
	return strings.HasSuffix(name, "[None]") || len(name) > 1 && ending(name[len(name)-2], name[len(name)-1])
}

// value masks a string that is a value.
func (j *JSON) value(text string) {
	r := j.rule()
	switch {
	case r == nil:
		key := j.key
		if top := &j.stack[len(j.stack)-1]; top.array {
			key = top.key
		}
		j.found(j.masked(text, key))
	default:
		begin := len(j.out)
		if r.Method == Null {
			j.out = append(j.out, "null"...)
		} else {
			j.out = quoted(j.out, r.Apply(text))
		}
		j.hit(begin, r.Name)
	}
}

// masked runs the detectors over a text, and those that go by names with its key.
func (j *JSON) masked(text string, key *member) (string, bool) {
	if key != nil && key.name != "" && text != "" {
		before := key.name + `="`
		for _, h := range j.plan.Find(before + text + `"`) {
			if h.Start == len(before) && (h.Detector == "secret" || h.Detector == "aws_secret_key") {
				return "[" + h.Detector + "]", true
			}
		}
	}
	return j.plan.Text(text)
}

// found passes the string at hand on, or what is shown of it.
func (j *JSON) found(shown string, hit bool) {
	if !hit {
		j.out = append(j.out, j.tok...)
		return
	}
	begin := len(j.out)
	j.out = quoted(j.out, shown)
	j.hit(begin, "")
}

// inScalar takes what it can of a number or literal.
func (j *JSON) inScalar(b []byte) int {
	for i, c := range b {
		if isAlnum(c) || c == '+' || c == '-' || c == '.' {
			continue
		}
		j.tok = append(j.tok, b[:i]...)
		j.endScalar()
		return i
	}
	if j.tok = append(j.tok, b...); len(j.tok) > maxScalar {
		j.broken()
	}
	return len(b)
}

// endScalar masks the number or literal that has come whole.
func (j *JSON) endScalar() {
	text := string(j.tok)
	kind := Decimal
	switch {
	case text == "null":
		kind = Other
	case text == "true", text == "false":
		kind = Other
	case !number(text):
		j.broken()
		return
	case !strings.ContainsAny(text, ".eE"):
		kind = Integer
	}
	if r := j.rule(); r != nil {
		shown, ok := r.ApplyTyped(text, kind)
		if !ok {
			shown = "null"
		}
		begin := len(j.out)
		j.out = append(j.out, shown...)
		if text != "null" {
			j.hit(begin, r.Name)
		}
	} else if _, hit := j.plan.Text(text); hit {
		begin := len(j.out)
		j.out = append(j.out, "null"...)
		j.hit(begin, "")
	} else {
		j.out = append(j.out, text...)
	}
	j.tok = j.tok[:0]
	j.after()
}

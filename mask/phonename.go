package mask

// phoneWord says whether a word is one that people write before a telephone
// number, or one that may stand between.
func phoneWord(w []byte) (word, filler bool) {
	switch string(w) {
	case "phone", "tel", "telephone", "telefon", "mobile", "mob", "cell", "fax", "call", "sms", "ph", "whatsapp", "dial", "msisdn",
		"handy", "phonenumber", "telno", "mobil", "callback", "cellphone":
		return true, false
	case "number", "no", "nr", "num", "is", "at", "us", "me", "to", "on", "or", "home", "work":
		return false, true
	}
	return false, false
}

// phoneNamed reports whether a word for a telephone number stands before i.
func (t *text) phoneNamed(i int) bool {
	if i < 2 || t.v[i-1] == '\n' || isDigit(t.v[i-2]) {
		return false
	}
	low := max(t.limit(i), i-tokenReach)
	k := i
	for range 3 {
		for k > low && classes[t.v[k-1]]&alphaClass == 0 {
			if c := t.v[k-1]; isDigit(c) || c == '\n' || c == '[' || c == ']' || c == breaker || c == '*' || c == ',' || c == ';' {
				return false
			}
			k--
		}
		end := k
		for k > low && classes[t.v[k-1]]&alphaClass != 0 && end-k < len("phonenumber") {
			k--
		}
		if k == end {
			return false
		}
		var b [16]byte
		w := b[:copy(b[:], t.v[k:end])]
		for j := range w {
			w[j] |= 0x20
		}
		if k > low && classes[t.v[k-1]]&alphaClass != 0 {
			return false // the end of a longer word
		}
		word, filler := phoneWord(w)
		if !filler {
			return word
		}
	}
	return false
}

package mask

// option looks for --password VALUE at i.
func (t *text) option(i int, hits []span) ([]span, verdict) {
	for _, name := range [...]string{"--password ", "--passphrase ", "--token ", "--secret ", "--api-key "} {
		switch t.has(i, name) {
		case more:
			return hits, more
		case yes:
			return t.secret(i+len(name)-1, false, name[2] == 'p', hits)
		}
	}
	return hits, no
}

// shortOption looks for the password of mysql -pPASSWORD and curl -u USER:PASSWORD
// at i.
func (t *text) shortOption(i int, hits []span) ([]span, verdict) {
	client, k := "mysql", i+2
	if t.v[i+1] == 'u' {
		client = "curl"
	}
	low := max(t.limit(i), i-2*tokenReach)
	found := false
	for j := i - 1; j >= low && t.v[j] != '\n' && t.v[j] != '|' && t.v[j] != ';' && t.v[j] != '[' && t.v[j] != ']'; j-- {
		if j+len(client) <= i && string(t.v[j:j+len(client)]) == client {
			found = true
			break
		}
	}
	if !found {
		return hits, no
	}
	if client == "curl" {
		if v := t.has(k, " "); v != yes {
			return hits, v
		}
		for k++; k < i+2*tokenReach; k++ {
			if k == len(t.v) {
				return hits, t.open()
			}
			if t.v[k] == ':' {
				k++
				break
			}
			if classes[t.v[k]]&valueEnd != 0 && t.v[k] != '"' && t.v[k] != '\'' {
				return hits, no
			}
		}
	} else if k < len(t.v) && (t.v[k] == '\'' || t.v[k] == '"') {
		k++
	}
	if k == len(t.v) {
		return hits, t.open()
	}
	end := k
	for end < len(t.v) && end-k < shape && classes[t.v[end]]&valueEnd == 0 {
		end++
	}
	if end == len(t.v) && end-k < shape && !t.final {
		return hits, more
	}
	if end-k < 3 || t.placeholder(k, end) {
		return hits, no
	}
	t.run, t.runAt = run{by: detectSecret, kind: runBare}, end
	return append(hits, span{k, end, i, detectSecret}), yes
}

package mask

// urlPassword looks for the password of a URL (RFC 3986, section 3.2.1) the
// scheme of which ends at i: what stands between the first colon of the user
// information and the last @ before the host.
func (t *text) urlPassword(i int, set detectorSet, hits []span) ([]span, verdict) {
	if v := t.has(i, "://"); v != yes {
		return hits, v
	}
	if classes[t.v[i-1]]&(alphaClass|digitClass) == 0 {
		return hits, no
	}
	if v := t.has(i+len("://"), slackHook); v == more || v == yes && set&detectSlack != 0 {
		if v == yes {
			return t.hook(i, hits)
		}
		return hits, more
	}
	if set&detectURL == 0 {
		return hits, no
	}
	start, end := 0, 0
	for k := i + len("://"); ; k++ {
		if k-i >= reach {
			break
		}
		if k == len(t.v) {
			if !t.final {
				return hits, more
			}
			break
		}
		c := t.v[k]
		if c == ':' && start == 0 {
			start = k + 1
		}
		if c == '@' {
			end = k
		}
		if c <= ' ' && c != breaker || c == '/' || c == '?' || c == '"' || c == '\'' || c == '`' || c == '\\' || c == '<' && start != k || c == '>' && end != 0 || c == breaker {
			break
		}
		if c == '#' && end != 0 {
			break
		}
	}
	if start == 0 || end <= start || t.placeholder(start, end) {
		return hits, no
	}
	return append(hits, span{start, end, i, detectURL}), yes
}

// slackHook begins the address of a webhook; who has the rest can write there.
const slackHook = "hooks.slack.com/services/"

// hook hides the path of a webhook, the scheme of which ends at i.
func (t *text) hook(i int, hits []span) ([]span, verdict) {
	start := i + len("://") + len(slackHook)
	end, v := t.tail(start, 24, func(c byte) bool { return c == '/' || isAlnum(c) })
	if v != yes || !t.random(start, end) {
		return hits, v & more
	}
	return append(hits, span{start, end, i, detectSlack}), yes
}

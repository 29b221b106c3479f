package clickhouse

import "strings"

// shortens finds what of the login's profile would have the server end an answer early, as
// if that were all. Where settings can be changed these are, for each statement; what a
// profile leaves out on purpose (limit, offset) or fixes is told.
func (c *Conn) shortens(settings [][]string) {
	for _, s := range settings {
		if len(s) != 2 {
			continue
		}
		value := ""
		switch name := s[0]; {
		case strings.Contains(name, "overflow_mode") && s[1] != "throw":
			value = "throw"
		case (name == "skip_unavailable_shards" || name == "partial_result_on_first_cancel") && s[1] != "0":
			value = "0"
		case (name == "limit" || name == "offset") && s[1] != "0":
		default:
			continue
		}
		if value != "" && c.readonly != 1 {
			if c.whole == nil {
				c.whole = map[string][]string{}
			}
			c.whole.Set(s[0], value)
			continue
		}
		c.short = s[0] + " = " + s[1]
		c.warnings = append(c.warnings, "the profile of the login "+c.endpoint.User+" has the server end answers early, as if they were all there is: "+c.short)
	}
}

// maybeMore says of an answer that it may not be all.
func (q *source) maybeMore() {
	if q.c.short != "" {
		q.notices = append(q.notices, "this may not be all: the login's profile has "+q.c.short)
	}
}

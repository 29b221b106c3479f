package widget

import "strings"

// redisAlarm are commands that remove much, or change the server.
var redisAlarm = wordSet(`flushall flushdb del unlink shutdown debug config rename renamenx migrate swapdb replicaof slaveof failover
 module keys eval evalsha fcall script function acl save bgsave bgrewriteaof`)

// HighlightRedis says what each character of a command of Redis is: its name, texts in
// quotes, numbers, words in capitals, which are options as a rule.
func HighlightRedis(s []rune) []Token {
	out := make([]Token, len(s))
	first := true
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' || s[i] == '\n' {
			i++
			continue
		}
		n, t := redisWord(s[i:], first)
		for j := range n {
			out[i+j] = t
		}
		i, first = i+n, false
	}
	return out
}

// redisWord returns the length and kind of the argument that s starts with.
func redisWord(s []rune, first bool) (int, Token) {
	if s[0] == '"' || s[0] == '\'' {
		for i := 1; i < len(s); i++ {
			if s[i] == '\\' {
				i++
			} else if s[i] == s[0] {
				return i + 1, TokenString
			}
		}
		return len(s), TokenString
	}
	n := span(s, func(r rune) bool { return !strings.ContainsRune(" \t\n\"'", r) })
	if n > 1 && n == len(s) && s[n-1] == ';' {
		n--
	}
	word := string(s[:n])
	switch {
	case first && redisAlarm[strings.ToLower(word)]:
		return n, TokenAlarm
	case first:
		return n, TokenKeyword
	case word == ";":
		return n, TokenOperator
	case strings.Trim(word, "0123456789.-+") == "" && strings.ContainsAny(word, "0123456789"):
		return n, TokenNumber
	case len(word) > 1 && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "":
		return n, TokenKeyword
	}
	return n, TokenPlain
}

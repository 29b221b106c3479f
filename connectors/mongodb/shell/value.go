package shell

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// value reads a value and returns dst with it behind a key.
func (p *parser) value(dst []byte, key string) ([]byte, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("values are nested in more than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	c, err := p.peek()
	switch {
	case err != nil:
		return nil, err
	case c == '{':
		return p.object(dst, key)
	case c == '[':
		return p.array(dst, key)
	case c == '"' || c == '\'':
		s, err := p.str()
		return bsoncore.AppendStringElement(dst, key, s), err
	case c == '/':
		pattern, options, err := p.regex()
		return bsoncore.AppendRegexElement(dst, key, pattern, options), err
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
		return p.number(dst, key)
	case identStart(c):
		return p.word(dst, key)
	case c == 0:
		return nil, p.fail("the text ends where a value should come")
	case c == '`':
		return nil, p.fail("template strings are not read: use quotes")
	}
	return nil, p.fail("a value should come here, and %s does", p.found())
}

func (p *parser) array(dst []byte, key string) ([]byte, error) {
	p.at++
	at, dst := bsoncore.AppendArrayElementStart(dst, key)
	for n := 0; ; n++ {
		end, err := p.take(']')
		if err != nil {
			return nil, err
		}
		if end {
			break
		}
		if dst, err = p.value(dst, strconv.Itoa(n)); err != nil {
			return nil, err
		}
		if more, err := p.comma(']'); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	return bsoncore.AppendArrayEnd(dst, at)
}

// comma takes a comma, or the end of what is listed.
func (p *parser) comma(end byte) (more bool, err error) {
	if more, err = p.take(','); more || err != nil {
		return more, err
	}
	return false, p.expect(end)
}

func (p *parser) object(dst []byte, key string) ([]byte, error) {
	before := len(dst)
	at, dst := bsoncore.AppendDocumentElementStart(dst, key)
	dst, first, err := p.members(dst)
	if err != nil {
		return nil, err
	}
	if dst, err = bsoncore.AppendDocumentEnd(dst, at); err != nil || !wrapper(first) {
		return dst, err
	}
	value, err := p.unwrap(first, bsoncore.Document(dst[at:]))
	if err != nil {
		return nil, err
	}
	return bsoncore.AppendValueElement(dst[:before], key, value), nil
}

// members reads an object's, after which it has ended, and returns the first key.
func (p *parser) members(dst []byte) (_ []byte, first string, err error) {
	p.at++
	seen := map[string]bool{}
	for {
		end, err := p.take('}')
		if err != nil {
			return nil, "", err
		}
		if end {
			return dst, first, nil
		}
		name, err := p.key()
		if err != nil {
			return nil, "", err
		}
		if seen[name] {
			return nil, "", p.fail("the key %q is there twice", name)
		}
		if len(seen) == 0 {
			first = name
		}
		seen[name] = true
		if err := p.expect(':'); err != nil {
			return nil, "", err
		}
		if dst, err = p.value(dst, name); err != nil {
			return nil, "", err
		}
		if more, err := p.comma('}'); err != nil || !more {
			return dst, first, err
		}
	}
}

func (p *parser) key() (string, error) {
	c, err := p.peek()
	if err != nil {
		return "", err
	}
	var name string
	switch {
	case c == '"' || c == '\'':
		if name, err = p.str(); err != nil {
			return "", err
		}
	case identStart(c):
		name = p.ident()
	case c == 0:
		return "", p.fail("the text ends where a key should come")
	default:
		return "", p.fail("a key should come here, and %s does", p.found())
	}
	if strings.ContainsRune(name, 0) {
		return "", p.fail("a key holds NUL")
	}
	return name, nil
}

// number reads one as the shell does: a whole number is one of 32 bits, or of 64 where
// it is larger.
func (p *parser) number(dst []byte, key string) ([]byte, error) {
	from := p.at
	if p.s[p.at] == '-' || p.s[p.at] == '+' {
		p.at++
	}
	if word := p.ident(); word != "" {
		if word != "Infinity" {
			p.at = from
			return nil, p.fail("a number should come here: nothing is computed")
		}
		return bsoncore.AppendDoubleElement(dst, key, math.Inf(map[bool]int{true: -1, false: 1}[p.s[from] == '-'])), nil
	}
	for p.at < len(p.s) && (identPart(p.s[p.at]) || p.s[p.at] == '.' || (p.s[p.at] == '-' || p.s[p.at] == '+') && (p.s[p.at-1] == 'e' || p.s[p.at-1] == 'E')) {
		p.at++
	}
	text := strings.TrimPrefix(p.s[from:p.at], "+")
	if strings.ContainsAny(text, "xXpP_oObBiInN") || len(strings.TrimLeft(text, "-")) > 1 && strings.TrimLeft(text, "-")[0] == '0' && !strings.ContainsAny(text, ".eE") {
		return nil, p.fail("%q is no number: write it in decimal", clip(text))
	}
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, p.hinted(`NumberDecimal("...") holds it`, "%s is beyond 64 bits", clip(text))
		case err != nil:
			return nil, p.fail("%q is no number", clip(text))
		case n == 0 && text[0] == '-':
			return bsoncore.AppendDoubleElement(dst, key, math.Copysign(0, -1)), nil
		case n >= math.MinInt32 && n <= math.MaxInt32:
			return bsoncore.AppendInt32Element(dst, key, int32(n)), nil
		}
		return bsoncore.AppendInt64Element(dst, key, n), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, p.fail("%q is no number", clip(text))
	}
	return bsoncore.AppendDoubleElement(dst, key, f), nil
}

func clip(s string) string { return s[:min(len(s), 40)] }

// word reads a constant, or a constructor with its arguments.
func (p *parser) word(dst []byte, key string) ([]byte, error) {
	name := p.ident()
	made := name == "new"
	if made {
		if _, err := p.peek(); err != nil {
			return nil, err
		}
		name = p.ident()
	}
	call, err := p.peek()
	if err != nil {
		return nil, err
	}
	if call != '(' {
		switch {
		case made:
		case name == "true" || name == "false":
			return bsoncore.AppendBooleanElement(dst, key, name == "true"), nil
		case name == "null":
			return bsoncore.AppendNullElement(dst, key), nil
		case name == "NaN":
			return bsoncore.AppendDoubleElement(dst, key, math.NaN()), nil
		case name == "Infinity":
			return bsoncore.AppendDoubleElement(dst, key, math.Inf(1)), nil
		case name == "MinKey":
			return bsoncore.AppendMinKeyElement(dst, key), nil
		case name == "MaxKey":
			return bsoncore.AppendMaxKeyElement(dst, key), nil
		}
		return nil, p.hinted("quote it where it is a text", "%q is no value, and nothing is evaluated", clip(name))
	}
	args, err := p.args()
	if err != nil {
		return nil, err
	}
	v, err := p.construct(name, made, args)
	if err != nil {
		return nil, err
	}
	return bsoncore.AppendValueElement(dst, key, v), nil
}

// args reads arguments in parentheses.
func (p *parser) args() ([]bsoncore.Value, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	at, b := bsoncore.AppendDocumentStart(nil)
	for n := 0; ; n++ {
		end, err := p.take(')')
		if err != nil {
			return nil, err
		}
		if end {
			break
		}
		if b, err = p.value(b, strconv.Itoa(n)); err != nil {
			return nil, err
		}
		if more, err := p.comma(')'); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	b, err := bsoncore.AppendDocumentEnd(b, at)
	if err != nil {
		return nil, p.fail("the arguments are too large")
	}
	return bsoncore.Document(b).Values()
}

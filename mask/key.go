package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

// Key is a deployment's masking key, for the methods hash and token: who has it
// can try values. It cannot be printed. The zero value is no key.
type Key struct{ secret Secret }

// minKey is the least length of a key, in bytes.
const minKey = 16

// NewKey takes over b, of 16 bytes or more, which should be random.
func NewKey(b []byte) (Key, error) {
	if len(b) < minKey {
		return Key{}, errors.New("a masking key has 16 bytes or more")
	}
	return Key{NewSecret(b)}, nil
}

func (k Key) empty() bool { return k.secret.Empty() }

// sum is the HMAC-SHA-256 of a value for a purpose.
func (k Key) sum(purpose, value string) []byte {
	h := hmac.New(sha256.New, k.secret.Reveal())
	h.Write([]byte("sallyport mask " + purpose + "\x00"))
	h.Write([]byte(value))
	return h.Sum(nil)
}

// id names the key without telling anything of it.
func (k Key) id() string { return hashText(k.sum("key", "")) }

// String and its kin redact, as those of Secret.
func (k Key) String() string   { return secretText }
func (k Key) GoString() string { return secretText }

// hashSize is how much of a hash is shown: 80 bits, 16 characters.
const hashSize = 10

func hashText(sum []byte) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:hashSize]))
}

// hashed is what the method hash shows of a value: the same for equal values,
// wherever they stand, so that masked rows can still be joined and grouped.
func (k Key) hashed(value string) string { return "[hash " + hashText(k.sum("hash", value)) + "]" }

// token is what the method token shows of a value: a made-up one of the same
// shape, always the same for equal values. Digits become digits and letters
// letters of their case; what is neither stays, as does the top-level domain of
// an e-mail address. It cannot be turned back, and different values may become
// the same, above all short ones.
//
// So that nobody takes it for real it bears a mark: an e-mail address ends with
// .invalid; the last character is followed by ~ in any other.
func (k Key) token(value string) string {
	if value == "" {
		return Redacted
	}
	digits := k.stream(value)
	out := make([]byte, 0, len(value)+len(tokenMark))
	for _, r := range value {
		switch c := byte(r); {
		case r >= '0' && r <= '9':
			out = append(out, '0'+digits(10))
		case r >= 'a' && r <= 'z':
			out = append(out, 'a'+digits(26))
		case r >= 'A' && r <= 'Z':
			out = append(out, 'A'+digits(26))
		case r > 0x7f:
			out = append(out, 'a'+digits(26))
		default:
			out = append(out, c)
		}
	}
	if at := strings.IndexByte(value, '@'); at > 0 && strings.IndexByte(value[at:], '.') > 0 && !strings.ContainsAny(value, " \n") {
		return string(out) + ".invalid"
	}
	return string(out) + tokenMark
}

// tokenMark tells a token from a value.
const tokenMark = "~"

// number is token for a value of digits with a sign and a point, which stays a
// number of the same size.
func (k Key) number(value string) string {
	digit := k.stream(value)
	out := []byte(value)
	first := true
	for i, c := range out {
		if !isDigit(c) {
			continue
		}
		if first && len(value) > 1 {
			out[i] = '1' + digit(9)
		} else {
			out[i] = '0' + digit(10)
		}
		first = false
	}
	return string(out)
}

// stream returns a source of numbers below n that a value determines.
func (k Key) stream(value string) func(n byte) byte {
	block := k.sum("token", value)
	i := 0
	next := func() byte {
		if i == len(block) {
			block, i = k.sum("token more", string(block)), 0
		}
		i++
		return block[i-1]
	}
	return func(n byte) byte {
		for {
			if b := next(); int(b) < 256/int(n)*int(n) { // no bias
				return b % n
			}
		}
	}
}

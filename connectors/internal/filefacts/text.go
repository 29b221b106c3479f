package filefacts

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// Text is the operation in one line.
func Text(c connectors.FileCall) string {
	var b strings.Builder
	b.WriteString(string(c.Do) + " " + quoted(c.Path))
	switch c.Do {
	case connectors.RenameFile, connectors.Symlink, connectors.Hardlink:
		b.WriteString(" to " + quoted(c.To))
	}
	for _, f := range flags(&c) {
		if *f.is {
			b.WriteString(" " + f.word)
		}
	}
	b.WriteString(attributes(c.Set))
	b.WriteString(content(c.Content))
	return b.String()
}

// content is what is written, with a space before it.
func content(c *connectors.FileContent) string {
	if c == nil {
		return ""
	}
	s := fmt.Sprintf(" bytes=%d sha256=%s", c.Size, c.SHA256)
	if c.From != 0 {
		s += fmt.Sprintf(" from=%d", c.From)
	}
	if c.Mode != nil {
		s += fmt.Sprintf(" then-mode=%04o", octal(*c.Mode))
	}
	if c.Cut != nil {
		s += fmt.Sprintf(" then-size=%d", *c.Cut)
	}
	return s
}

type flag struct {
	word string
	is   *bool
}

// flags are words that stand behind the paths.
func flags(c *connectors.FileCall) []flag {
	return []flag{{"create", &c.Create}, {"exclusive", &c.Exclusive}, {"truncate", &c.Truncate}, {"append", &c.Append}, {"replace", &c.Replace}}
}

// attributes are those to be set, each with a space before it.
func attributes(a connectors.FileAttributes) string {
	s := ""
	if a.Mode != nil {
		s += fmt.Sprintf(" mode=%04o", octal(*a.Mode))
	}
	if a.Owner != nil {
		s += fmt.Sprintf(" owner=%d:%d", a.Owner.User, a.Owner.Group)
	}
	if a.Size != nil {
		s += fmt.Sprintf(" size=%d", *a.Size)
	}
	if !a.Modified.IsZero() {
		s += fmt.Sprintf(" accessed=%d modified=%d", a.Accessed.Unix(), a.Modified.Unix())
	}
	if a.Unreadable {
		s += " unreadable"
	}
	return s
}

// Attributes says what is set, for people.
func Attributes(a connectors.FileAttributes) string { return strings.TrimSpace(attributes(a)) }

// Bits of a mode as chmod(1) writes them.
const setuid, setgid, sticky = 0o4000, 0o2000, 0o1000

func octal(m fs.FileMode) uint32 {
	n := uint32(m.Perm())
	for bit, at := range map[fs.FileMode]uint32{fs.ModeSetuid: setuid, fs.ModeSetgid: setgid, fs.ModeSticky: sticky} {
		if m&bit != 0 {
			n |= at
		}
	}
	return n
}

func modeOf(n uint64) fs.FileMode {
	m := fs.FileMode(n) & fs.ModePerm
	for at, bit := range map[uint64]fs.FileMode{setuid: fs.ModeSetuid, setgid: fs.ModeSetgid, sticky: fs.ModeSticky} {
		if n&at != 0 {
			m |= bit
		}
	}
	return m
}

// quoted is a path as it stands in a text.
func quoted(p string) string {
	if p != "" && strings.IndexFunc(p, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@:,=%~#", r))
	}) < 0 {
		return p
	}
	return strconv.QuoteToASCII(p)
}

// Parse reads a text as Text writes it; what it is not sure of is no operation.
func Parse(text string) (connectors.FileCall, error) { return parse(text) }

func parse(text string) (c connectors.FileCall, err error) {
	words, err := split(text)
	if err != nil {
		return c, err
	}
	if len(words) < 2 {
		return c, fmt.Errorf("an operation is a verb and a path: read /var/log/app.log")
	}
	c.Do, c.Path = connectors.FileVerb(words[0]), words[1]
	if _, ok := verbs[c.Do]; !ok {
		return c, fmt.Errorf("%q cannot be done to a file", words[0])
	}
	words = words[2:]
	switch c.Do {
	case connectors.RenameFile, connectors.Symlink, connectors.Hardlink:
		if len(words) < 2 || words[0] != "to" {
			return c, fmt.Errorf("%s has two paths: %s /a to /b", c.Do, c.Do)
		}
		c.To, words = words[1], words[2:]
	}
	for _, w := range words {
		if err := option(&c, w); err != nil {
			return c, err
		}
	}
	if !path.IsAbs(c.Path) || c.To != "" && c.Do != connectors.Symlink && !path.IsAbs(c.To) {
		return c, fmt.Errorf("paths begin with a slash")
	}
	return c, nil
}

// option reads one word behind the paths.
func option(c *connectors.FileCall, w string) error {
	for _, f := range flags(c) {
		if f.word == w {
			*f.is = true
			return nil
		}
	}
	key, value, _ := strings.Cut(w, "=")
	n, err := strconv.ParseInt(value, 10, 64)
	switch key {
	case "mode":
		m, err := strconv.ParseUint(value, 8, 12)
		mode := modeOf(m)
		c.Set.Mode = &mode
		return err
	case "owner":
		u, g, _ := strings.Cut(value, ":")
		user, err1 := strconv.Atoi(u)
		group, err2 := strconv.Atoi(g)
		c.Set.Owner = &connectors.FileOwner{User: user, Group: group}
		if err1 != nil {
			return err1
		}
		return err2
	case "size":
		c.Set.Size = &n
	case "accessed":
		c.Set.Accessed = time.Unix(n, 0)
	case "modified":
		c.Set.Modified = time.Unix(n, 0)
	case "unreadable":
		c.Set.Unreadable = true
		return nil
	default:
		return contentOption(c, key, value, w)
	}
	return err
}

// contentOption reads a word about what is written.
func contentOption(c *connectors.FileCall, key, value, w string) error {
	if c.Content == nil {
		c.Content = &connectors.FileContent{}
	}
	n, err := strconv.ParseInt(value, 10, 64)
	switch to := c.Content; key {
	case "bytes":
		to.Size = n
	case "from":
		to.From = n
	case "then-size":
		to.Cut = &n
	case "sha256":
		if to.SHA256 = value; len(value) != 64 || strings.Trim(value, "0123456789abcdef") != "" {
			return fmt.Errorf("%q is no SHA-256 in hex", value)
		}
		return nil
	case "then-mode":
		m, err := strconv.ParseUint(value, 8, 12)
		mode := modeOf(m)
		to.Mode = &mode
		return err
	default:
		return fmt.Errorf("%q is no word of an operation on files", w)
	}
	return err
}

// split cuts a text into words, of which some are quoted.
func split(text string) (words []string, err error) {
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		if text[0] != '"' {
			w, rest, _ := strings.Cut(text, " ")
			words, text = append(words, w), rest
			continue
		}
		q, err := strconv.QuotedPrefix(text)
		if err != nil {
			return nil, fmt.Errorf("a quoted path does not end")
		}
		w, err := strconv.Unquote(q)
		if err != nil {
			return nil, fmt.Errorf("a quoted path cannot be read")
		}
		words, text = append(words, w), text[len(q):]
	}
	return words, nil
}

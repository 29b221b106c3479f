package shellfacts

import (
	"bytes"
	"compress/gzip"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxOutput bounds what is computed of a command's output.
const maxOutput = 64 << 10

// output is what statements print, where the text tells it: a line that decodes
// its own script hides nothing.
func (s *scope) output(list []*syntax.Stmt) (string, bool) {
	var b strings.Builder
	for _, st := range list {
		text, ok := s.outputOf(st, feed{})
		if !ok || b.Len()+len(text) > maxOutput {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), len(list) > 0
}

func (s *scope) outputOf(st *syntax.Stmt, in feed) (string, bool) {
	for _, r := range st.Redirs {
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			w := join(s.pieces(r.Hdoc.Parts, true))
			in = feed{set: true, text: w.text, known: w.known}
		case syntax.WordHdoc:
			w := join(s.pieces(r.Word.Parts, false))
			in = feed{set: true, text: w.text + "\n", known: w.known}
		default:
			return "", false
		}
	}
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		if c.Op == syntax.Pipe {
			text, ok := s.outputOf(c.X, in)
			return s.outputOf(c.Y, feed{set: true, text: text, known: ok})
		}
	case *syntax.CallExpr:
		if len(c.Assigns) == 0 {
			return s.printed(c.Args, in)
		}
	case *syntax.Block:
		if len(c.Stmts) == 1 {
			return s.outputOf(c.Stmts[0], in)
		}
	case *syntax.Subshell:
		if len(c.Stmts) == 1 {
			return s.outputOf(c.Stmts[0], in)
		}
	}
	return "", false
}

// printed is what a simple command prints.
func (s *scope) printed(ws []*syntax.Word, in feed) (string, bool) {
	var argv []string
	for _, w := range ws {
		for _, b := range s.braces(w) {
			for _, a := range split(s.pieces(b, false)) {
				if !a.known || a.glob {
					return "", false
				}
				argv = append(argv, a.text)
			}
		}
	}
	if len(argv) == 0 {
		return "", false
	}
	f := printers[base(argv[0])]
	if f == nil || s.funcs[argv[0]] {
		return "", false
	}
	return f(argv[1:], in)
}

// printers compute what a program prints of what it is given.
var printers = map[string]func(args []string, in feed) (string, bool){
	"echo":    echoed,
	"printf":  printfed,
	"cat":     filter(func(text string) (string, bool) { return text, true }),
	"rev":     filter(reversed),
	"base64":  decoder("-d", "-D", "--decode", func(t string) ([]byte, error) { return base64.StdEncoding.DecodeString(padded(t, 4)) }),
	"base32":  decoder("-d", "-D", "--decode", func(t string) ([]byte, error) { return base32.StdEncoding.DecodeString(padded(t, 8)) }),
	"xxd":     decoder("-r", "-p", "-ps", hex.DecodeString),
	"gunzip":  filter(gunzipped),
	"zcat":    filter(gunzipped),
	"openssl": opensslDecoded,
	"tr":      translated,
}

func echoed(args []string, _ feed) (string, bool) {
	end, escapes := "\n", false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		if strings.Contains(args[0], "n") {
			end = ""
		}
		escapes = strings.Contains(args[0], "e")
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		text = ansiC(text)
	}
	return text + end, true
}

// printfed knows the plain forms: a text, and %s or %b for all that follows.
func printfed(args []string, _ feed) (string, bool) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return "", false
	}
	format := ansiC(args[0])
	rest := strings.NewReplacer("%s", "", "%b", "", "%%", "").Replace(format)
	if strings.Contains(rest, "%") {
		return "", false
	}
	if !strings.Contains(strings.ReplaceAll(format, "%%", ""), "%") {
		return strings.ReplaceAll(format, "%%", "%"), true
	}
	var b strings.Builder
	for rounds := 0; rounds == 0 || len(args) > 1; rounds++ {
		for i := 0; i < len(format); i++ {
			if format[i] != '%' {
				b.WriteByte(format[i])
				continue
			}
			i++
			switch {
			case format[i] == '%':
				b.WriteByte('%')
			case len(args) > 1:
				if format[i] == 'b' {
					args[1] = ansiC(args[1])
				}
				b.WriteString(args[1])
				args = slices.Delete(args, 1, 2)
			}
		}
	}
	return b.String(), true
}

// filter is a program that reads its input when it is given no file.
func filter(f func(string) (string, bool)) func([]string, feed) (string, bool) {
	return func(args []string, in feed) (string, bool) {
		for _, a := range args {
			if a != "-" && a != "-d" && a != "-c" {
				return "", false
			}
		}
		if !in.set || !in.known {
			return "", false
		}
		return f(in.text)
	}
}

func reversed(text string) (string, bool) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range lines {
		r := []rune(l)
		slices.Reverse(r)
		lines[i] = string(r)
	}
	return strings.Join(lines, "\n") + "\n", true
}

// decoder is a program that decodes with one of three options.
func decoder(a, b, c string, decode func(string) ([]byte, error)) func([]string, feed) (string, bool) {
	return func(args []string, in feed) (string, bool) {
		decodes := false
		for _, arg := range args {
			switch {
			case arg == a || arg == b || arg == c || strings.HasPrefix(arg, "-") && strings.Contains(arg, a[1:]) && !strings.HasPrefix(arg, "--"):
				decodes = true
			case arg != "-i" && arg != "--ignore-garbage" && arg != "-":
				return "", false
			}
		}
		if !decodes || !in.set || !in.known {
			return "", false
		}
		out, err := decode(strings.Join(strings.Fields(in.text), ""))
		return string(out), err == nil
	}
}

// padded adds the padding that some decoders do without.
func padded(t string, to int) string {
	t = strings.TrimRight(t, "=")
	if n := len(t) % to; n > 0 {
		t += strings.Repeat("=", to-n)
	}
	return t
}

func opensslDecoded(args []string, in feed) (string, bool) {
	text := strings.Join(args, " ")
	if !strings.Contains(text, "base64") || !slices.Contains(args, "-d") || !in.known {
		return "", false
	}
	out, err := base64.StdEncoding.DecodeString(padded(strings.Join(strings.Fields(in.text), ""), 4))
	return string(out), err == nil
}

func gunzipped(text string) (string, bool) {
	r, err := gzip.NewReader(bytes.NewReader([]byte(text)))
	if err != nil {
		return "", false
	}
	out, err := io.ReadAll(io.LimitReader(r, maxOutput))
	return string(out), err == nil && len(out) < maxOutput
}

// translated knows tr with two sets of equal length, and tr -d of plain bytes.
func translated(args []string, in feed) (string, bool) {
	if !in.set || !in.known || len(args) != 2 {
		return "", false
	}
	if args[0] == "-d" {
		drop, ok := trSet(args[1])
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(drop, r) {
				return -1
			}
			return r
		}, in.text), ok
	}
	from, ok1 := trSet(args[0])
	to, ok2 := trSet(args[1])
	if !ok1 || !ok2 || len(from) != len(to) {
		return "", false
	}
	return strings.Map(func(r rune) rune {
		if i := strings.LastIndex(from, string(r)); i >= 0 && r < 0x80 {
			return rune(to[i])
		}
		return r
	}, in.text), true
}

// trSet expands ranges; classes and escapes are not known.
func trSet(set string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(set); i++ {
		switch c := set[i]; {
		case c == '[' || c == '\\' || c >= 0x80:
			return "", false
		case i+2 < len(set) && set[i+1] == '-' && set[i+2] >= c && set[i+2] < 0x80:
			for x := int(c); x <= int(set[i+2]); x++ {
				b.WriteByte(byte(x))
			}
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// fetches reports whether a statement runs a program that brings something from
// elsewhere.
func fetches(n syntax.Node) bool {
	found := false
	syntax.Walk(n, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.CallExpr); ok {
			for _, w := range c.Args {
				found = found || fetchers[base(w.Lit())]
			}
		}
		return !found
	})
	return found
}

var fetchers = set("curl wget fetch aria2c lynx nc ncat netcat socat ftp tftp scp sftp rsync ssh openssl dig http https")

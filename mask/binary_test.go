package mask_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/sallyport/sallyport/mask"
)

func TestBinary(t *testing.T) {
	var zip bytes.Buffer
	w := gzip.NewWriter(&zip)
	for i := range 50 {
		sum := sha256.Sum256([]byte{byte(i)})
		_, _ = w.Write(sum[:])
	}
	_ = w.Close()
	var wide []byte
	for _, u := range utf16.Encode([]rune("a text")) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, c := range map[string]struct {
		in   []byte
		want bool
	}{
		"nothing":      {nil, false},
		"text":         {[]byte("total 4\r\n\tlines\f\v"), false},
		"colours":      {[]byte("\x1b[1;31mred\x1b[m \a\b \x0e\x0f"), false},
		"UTF-8":        {[]byte(strings.Repeat("Прикладная 漢字 😀 ", 50)), false},
		"Latin-1":      {[]byte(strings.Repeat("caf\xe9 au lait, s'il vous plait. ", 50)), false},
		"NUL":          {[]byte("text\x00"), true},
		"control":      {[]byte("text\x02"), true},
		"gzip":         {zip.Bytes(), true},
		"ELF":          {[]byte("\x7fELF\x02\x01\x01\x00"), true},
		"UTF-16":       {wide, true},
		"high bytes":   {bytes.Repeat([]byte{0xff, 0xfe, 'a', 'b'}, 10), true},
		"base64":       {[]byte("H4sIAAAAAAAA/w=="), false},
		"half a char":  {[]byte("text \xe6\xbc"), false},
		"end of table": {bytes.Repeat([]byte("\xe6 "), 30), true},
	} {
		if got := mask.Binary(c.in); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		sniffed(t, c.in)
	}
}

func FuzzBinary(f *testing.F) {
	f.Add([]byte("text \xe6\xbc\xa2 \xff\xfe\xfd\xfc\xfb\x80\x80\x80"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1000 {
			sniffed(t, b)
		}
	})
}

// sniffed compares what comes of b in one piece and byte by byte.
func sniffed(t *testing.T, b []byte) {
	t.Helper()
	var whole, bytewise mask.Sniffer
	at := len(b)
	for i := range b {
		if bytewise.Binary(b[i:i+1]) && at == len(b) {
			at = i
		}
	}
	if whole.Binary(b) != bytewise.Binary(nil) || whole.Unfinished() != bytewise.Unfinished() {
		t.Fatalf("%q: %v and %v in one piece, %v and %v byte by byte", b, whole.Binary(nil), whole.Unfinished(), bytewise.Binary(nil), bytewise.Unfinished())
	}
	var before mask.Sniffer
	if before.Binary(b[:at]) {
		t.Fatalf("%q is not text before byte %d", b, at)
	}
}
